"""A stored model as it was trained: built from its card, without the data and the warm-up that it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from bench.domain import Domain
from bench.errors import DivergedError, NotApplicableError, UsageError, in_a_line
from bench.evaluation.scoring import moved_by, score_pairs
from bench.model import PairModel, build_model
from bench.models.card import Card, sources_of
from bench.models.files import find_model, load_heads, load_weights, read_card
from bench.models.images import Given, images_of, paired
from bench.registry import Choice
from bench.spec import parse_spec
from bench.sweep.cell import Cell
from bench.sweep.evaluate import Evaluated, evaluate_cell
from bench.sweep.execution import MEMORY_FORMATS
from bench.training.auxiliary import Auxiliary, auxiliary_weights
from bench.training.pairs import FrozenModel


@dataclass(frozen=True, eq=False)
class Predicted:
    """What a model says of N pairs.

    Attributes:
        scores: (N,) float32, above 0 for pairs that it takes for the same.
        probabilities: (N,) float64 in [0, 1], calibrated on the validation pairs, that a pair is the same.
    """

    scores: NDArray[np.float32]
    probabilities: NDArray[np.float64]

    @property
    def same(self) -> NDArray[np.bool_]:
        """The decisions (N,)."""
        return np.asarray(self.scores > 0)

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model that a sweep kept; called, it compares images.

    Attributes:
        path: file of its weights.
        model: in evaluation mode, on the CPU.
    """

    path: Path
    card: Card
    model: PairModel

    @cached_property
    def cell(self) -> Cell:
        """What was trained.

        Raises:
            UsageError: a plug-in of it is not known here, or its files of images are gone.
        """
        try:
            return self.card.cell.cell()
        except ValidationError as error:
            raise UsageError(f"{self.path}: a recipe on its card is none ({in_a_line(error)})") from None

    @property
    def changed(self) -> str:
        """What of its source has changed since it was trained, in a line; empty where nothing has."""
        now = sources_of(self.card.cell)
        names = [f"{kind} {getattr(self.card.cell, kind)}" for kind in now if now[kind] != self.card.sources.get(kind)]
        return f"the source of {' and '.join(names)} has changed since this model was trained" if names else ""

    @property
    def outdated(self) -> str:
        """Why what is computed of its own domain now is not what its record is of; empty where it is.

        Raises:
            UsageError: as :attr:`cell`.
        """
        if self.cell.key() == self.card.key:
            return ""
        return self.changed or "its domain, or what this program measures, has changed since this model was trained"

    def __call__(self, a: Given, b: Given) -> Predicted:
        """What it says of images of any size: one and one, as many and as many, or one and each of several.

        Args:
            a, b: paths, PIL images, uint8 arrays (H, W, 3) or tensors (3, H, W), or lists or batches of them.

        Raises:
            UsageError: one of them is no image, or they are not as many.
        """
        return self.predicted(self.scores(*paired(images_of(a, self.card.shape), images_of(b, self.card.shape))))

    def scores(self, a: Tensor, b: Tensor) -> NDArray[np.float32]:
        """Scores (N,) of pairs of uint8 images (N, C, H, W) of the size it was trained on; above 0 means same.

        Raises:
            UsageError: the images have another shape, or a score is not finite.
        """
        for side in (a, b):
            if tuple(side.shape[1:]) != self.card.image:
                raise UsageError(f"{self.path.name}: images are {tuple(side.shape[1:])}; it takes {self.card.image}")
        return self.scores_by(self.model, a, b)

    def scores_by(self, subject: PairModel, a: Tensor, b: Tensor) -> NDArray[np.float32]:
        """The same by its network, or by its fusion and head on encoded images (N, ...).

        Raises:
            UsageError: a score is not finite.
        """
        try:
            found = score_pairs(subject, a, b)
        except DivergedError as error:
            raise UsageError(f"{self.path.name}: {error}") from None
        return moved_by(found, self.card.offset)

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities (N,) that pairs with these scores are the same."""
        return self.card.calibration(scores)

    def predicted(self, scores: NDArray[np.float32]) -> Predicted:
        """What scores (N,) of pairs mean."""
        return Predicted(scores, self.probabilities(scores))

    @cached_property
    def auxiliary(self) -> Auxiliary:
        """The heads that were trained beside it."""
        weights = auxiliary_weights(self.model.fusion, self.cell.recipe.auxiliary)
        return Auxiliary(weights, self.card.shape, len(self.card.classes))

    def read_out(self, head: str, encoded: Tensor) -> Tensor | None:
        """What an auxiliary head predicts (N, ...) of pooled encodings (N, D); None where the file has no heads.

        Raises:
            UsageError: the heads in the file are not those of this model.
        """
        heads = self.auxiliary.heads(encoded.shape[1])
        if not load_heads(heads, self.path):
            return None
        with torch.inference_mode():
            predicted: Tensor = heads[head](encoded)
        return predicted

    def evaluate(self, eval_domains: Sequence[Choice[Domain]] | None = None) -> Evaluated:
        """Scores and metrics of its test pairs, computed as when it was trained.

        Args:
            eval_domains: to test on, in place of those that it was tested on.

        Raises:
            UsageError: as :attr:`cell`.
            DivergedError: a score is not finite.
        """
        cell = self.cell if eval_domains is None else replace(self.cell, eval_domains=tuple(eval_domains))
        frozen = cell.protocol == "frozen" and self.model.encodes_separately
        return evaluate_cell(cell, self.model, FrozenModel(self.model) if frozen else self.model, self)


def restore(path: Path) -> StoredModel:
    """A stored model by its file, by the start of its key in a run folder, or as the only one in a folder.

    Raises:
        UsageError: there is none, its files are damaged or not what they say, or a plug-in of it is not known here.
    """
    weights = find_model(path)
    card = read_card(weights)
    if card.sees != "image":
        raise UsageError(f"{weights}: {card.cell.fusion} is given the {card.sees} of each image, which no file holds")
    model = _build(weights, card)
    load_weights(model, weights)
    return StoredModel(weights, card, model.eval())


def _build(weights: Path, card: Card) -> PairModel:
    """The model of a card with weights as they are drawn."""
    cell, preparation = card.cell, card.preparation
    try:
        model = build_model(
            parse_spec(cell.fusion),
            cell.backbone,
            card.shape,
            cell.seed,
            preparation.preparation() if preparation else None,
            len(card.classes),
        )
    except NotApplicableError as error:
        raise UsageError(f"{weights}: {error}") from None
    except UsageError as error:
        raise UsageError(f"{weights}: {error}; --include names the file of a plug-in") from None
    return model.compute_in(getattr(torch, card.precision)).lay_out(MEMORY_FORMATS[card.memory_format])
