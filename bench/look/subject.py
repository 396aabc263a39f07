"""What is looked at: a stored model and the test pairs of a domain, with what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.colouring import CLASS, GROUP, Colouring, colourings
from bench.domain import DOMAINS, Domain, Pairs, build_domain
from bench.errors import NotApplicableError, UsageError
from bench.model.encodings import pooled
from bench.models.restore import StoredModel
from bench.registry import Choice
from bench.sweep.evaluate import Evaluated
from bench.sweep.inputs import ENCODE_BATCH, draw
from bench.sweep.replicates import redealt
from bench.text import printable, shortened

# Of the first test pairs, as many as a picture has room for and a clustering takes seconds for.
MOST_IMAGES = 1000
LONGEST_CLASS = 14  # letters, so that two stand in a line of a caption
Scored = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Encoded:
    """Images as the encoder of a model sees them.

    Attributes:
        vectors: (N, D) float32, pooled encodings.
        classes: (N,) numbers of their classes.
        colourings: what they can be told apart by: class, and group where the domain knows any.
    """

    vectors: Scored
    classes: Rows
    colourings: Sequence[Colouring]


class Subject:
    """A stored model before the test pairs of a domain, scored as when it was trained.

    Args:
        domain: by default the one that it was trained on.

    Raises:
        UsageError: a plug-in is not known here, or the images of the domain have another shape.
    """

    def __init__(self, stored: StoredModel, domain: str | None = None) -> None:
        self.stored, cell = stored, stored.cell
        self.choice: Choice[Domain] = cell.domain
        if domain is not None:
            given = DOMAINS.settle(domain)
            self.choice = redealt(given, cell.seed) if cell.repeats == "replicate" else given
        shape = build_domain(self.choice).image
        if shape != stored.card.shape:
            own, other = ("x".join(map(str, vars(of).values())) for of in (stored.card.shape, shape))
            raise UsageError(f"domain {self.choice}: its images are {other}; this model takes {own}")

    @property
    def name(self) -> str:
        """What tables call the domain."""
        return self.stored.cell.name_of(self.choice)

    @property
    def changed(self) -> str:
        """What has changed since the model was trained, in a line; empty where nothing has."""
        if self.choice != self.stored.cell.domain:
            return self.stored.changed
        why = self.stored.outdated
        return f"{why}: numbers are not those of its record, and training may have shown these pairs" if why else ""

    @cached_property
    def domain(self) -> Domain:
        """The domain of the pairs."""
        return build_domain(self.choice)

    @cached_property
    def pairs(self) -> Pairs:
        """The test pairs of the cell."""
        return draw(self.choice, *self.stored.cell.draws("test"))

    @cached_property
    def pictured(self) -> Rows:
        """(N,) the same number for pairs of the same pictures: where test images are few, pairs are drawn again."""
        known: dict[tuple[bytes, bytes], int] = {}
        sides = self.pairs.a.pixels.numpy(), self.pairs.b.pixels.numpy()
        seen = [known.setdefault((a.tobytes(), b.tobytes()), len(known)) for a, b in zip(*sides, strict=True)]
        return np.array(seen, dtype=np.int64)

    @cached_property
    def evaluated(self) -> Evaluated:
        """Scores and metrics of these pairs, and scores of the validation pairs of the domain trained on.

        Raises:
            UsageError: the model cannot be given the images of this domain.
        """
        try:
            return self.stored.evaluate([self.choice])
        except NotApplicableError as error:
            raise UsageError(f"domain {self.choice}: {error}") from None

    @property
    def label(self) -> Rows:
        """(N,) 1 for same."""
        return self.evaluated.labels[self.name]

    @property
    def scores(self) -> Scored:
        """(N,) of (A, B); above 0 means same."""
        return self.evaluated.scores[self.name].scores

    @property
    def cosine(self) -> Scored | None:
        """(N,) of the encodings of A and B; None where no image is encoded without the other."""
        return self.evaluated.scores[self.name].cosine

    @cached_property
    def probability(self) -> NDArray[np.float64]:
        """(N,) calibrated, that a pair is the same."""
        return self.stored.probabilities(self.scores)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,) whether the decision is."""
        right: NDArray[np.bool_] = (self.scores > 0) == (self.label == 1)
        return right

    @cached_property
    def examples(self) -> Rows:
        """Pairs to look into: the first two of each label, and the surest mistake on each, as far as there are any."""
        first = [np.flatnonzero(self.label == value)[:2] for value in (1, 0)]
        wrong = [np.flatnonzero(~self.right & (self.label == value)) for value in (1, 0)]
        surest = [rows[np.argsort(-np.abs(self.scores[rows]), kind="stable")[:1]] for rows in wrong]
        return np.concatenate([*first, *surest])

    def images(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """A and B (N, C, H, W) uint8 of some pairs."""
        return self.pairs.a.pixels[rows], self.pairs.b.pixels[rows]

    def caption(self, row: int) -> list[str]:
        """Lines that tell a pair in a picture: its classes or label, its score and cosine, its probability."""
        shown = f"score {self.scores[row]:+z.2f}"
        cosine = "" if self.cosine is None else f", cos {self.cosine[row]:z.2f}"
        return [self.named(row), shown + cosine, f"P(same) {self.probability[row]:.2f}"]

    def named(self, row: int) -> str:
        """The classes of a pair, shortened, or its label where images have none."""
        if not self.domain.names_images:
            return "same" if self.label[row] else "different"
        a, b = (self.domain.classes[int(side.latents["class"][row])] for side in (self.pairs.a, self.pairs.b))
        return f"{shortened(printable(a), LONGEST_CLASS)}, {shortened(printable(b), LONGEST_CLASS)}"

    @cached_property
    def encoded(self) -> Encoded:
        """The images of the first test pairs, at most :data:`MOST_IMAGES`: those of A, those of B, each image once.

        Raises:
            NotApplicableError: no image is encoded without the other, or each of the two in its own way.
        """
        sides, of = (self.pairs.a, self.pairs.b), slice(MOST_IMAGES // 2)
        known = {name: torch.cat([side.latents[name][of] for side in sides]) for name in self._factors}
        first = _first(known["image"]) if "image" in known else torch.arange(len(known[CLASS]))
        pixels = torch.cat([side.pixels[of] for side in sides])[first]
        model = self.stored.model
        with torch.inference_mode(), model.casting():
            vectors = [pooled(model.encode(part)).float() for part in pixels.split(ENCODE_BATCH)]
        kinds = {name: values[first].numpy() for name, values in known.items()}
        return Encoded(torch.cat(vectors).numpy(), kinds[CLASS], colourings(self.domain, kinds))

    @property
    def _factors(self) -> list[str]:
        known = self.pairs.a.latents.keys() & self.pairs.b.latents.keys()
        return [name for name in (CLASS, "image", GROUP) if name in known]


def _first(numbers: Tensor) -> Tensor:
    """Where each number stands for the first time, in that order."""
    found = np.unique(numbers.numpy(), return_index=True)[1]
    return torch.from_numpy(np.sort(found))
