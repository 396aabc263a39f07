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
from bench.errors import NotApplicableError, UsageError, in_a_line
from bench.evaluation.scoring import score_pairs
from bench.model import PairModel, build_model
from bench.models.card import Card, sources_of
from bench.models.files import WEIGHTS, load_weights, read_card, stored_models
from bench.registry import Choice
from bench.spec import parse_spec
from bench.sweep.cell import Cell
from bench.sweep.evaluate import Evaluated, evaluate_cell
from bench.sweep.execution import MEMORY_FORMATS
from bench.text import without_home
from bench.training.pairs import FrozenModel


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model that a sweep kept.

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

    def scores(self, a: Tensor, b: Tensor) -> NDArray[np.float32]:
        """Scores (N,) of pairs of uint8 images (N, C, H, W) of the size it was trained on; above 0 means same.

        Raises:
            UsageError: the images have another shape.
            DivergedError: a score is not finite.
        """
        for side in (a, b):
            if tuple(side.shape[1:]) != self.card.image:
                raise UsageError(f"{self.path.name}: images are {tuple(side.shape[1:])}; it takes {self.card.image}")
        found = score_pairs(self.model, a, b)
        offset = self.card.offset
        return (found.astype(np.float64) - offset).astype(np.float32) if offset else found

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

    def probabilities(self, scores: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities (N,) that pairs with these scores are the same."""
        return self.card.calibration(scores)


def restore(path: Path) -> StoredModel:
    """A stored model from its file of weights, or from the only one in a folder.

    Raises:
        UsageError: there is none, its files are damaged or not what they say, or a plug-in of it is not known here.
    """
    weights = _find(path)
    card = read_card(weights)
    if card.sees != "image":
        raise UsageError(f"{weights}: {card.cell.fusion} is given the {card.sees} of each image, which no file holds")
    model = _build(weights, card)
    load_weights(model, weights)
    return StoredModel(weights, card, model.eval())


def _find(path: Path) -> Path:
    if not path.is_dir():
        return path.with_suffix(WEIGHTS) if path.suffix != WEIGHTS else path
    found = stored_models(path) or stored_models(path / "models")
    if len(found) == 1:
        return found[0]
    shown = without_home(str(path))
    if not found:
        raise UsageError(f"{shown}: no stored models here; bench run --save best keeps them")
    raise UsageError(f"{shown}: {len(found)} stored models here; name one: bench list models {shown}")


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
