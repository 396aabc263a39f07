"""An objective as it is written, ``bce+0.1*contrastive:margin=0.5``, and the loss that it stands for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.registry import Choice
from bench.training.objectives.contract import OBJECTIVES, Batch, Space, Term

EXAMPLE = "expected terms and weights, such as bce+0.1*contrastive:margin=0.5"


@dataclass(frozen=True)
class WeightedTerm:
    """One term of a sum."""

    weight: float
    spec: Choice[Term]

    def __str__(self) -> str:
        return str(self.spec) if self.weight == 1 else f"{self.weight:.12g}*{self.spec}"

    @property
    def term(self) -> type[Term]:
        """The class of the term."""
        return self.spec.cls


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms; its text is the one way to write it."""

    terms: tuple[WeightedTerm, ...]

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read ``weight*name:param=value+...``; a weight of 1 need not be written.

        Raises:
            UsageError: an unknown term or parameter, a value out of range, a weight that is not a positive number, or
                one term given twice.
        """
        terms = sorted((_weighted(part.strip(), text) for part in text.split("+")), key=lambda one: str(one.spec))
        for first, second in pairwise(terms):
            if first.spec == second.spec:
                raise UsageError(f"objective {text!r}: {first.spec} is given twice")
        objective = cls(tuple(terms))
        # What a term refuses to be built from must come to light before anything runs.
        with torch.random.fork_rng(devices=[]):
            objective.build(Space(dim=4, classes=2))
        return objective

    def __str__(self) -> str:
        return "+".join(map(str, self.terms))

    @property
    def on_scores(self) -> tuple[WeightedTerm, ...]:
        """The terms that train the scores: without any, fusion and head are not trained."""
        return tuple(one for one in self.terms if one.term.reads == "scores")

    @property
    def on_encodings(self) -> tuple[WeightedTerm, ...]:
        """The terms that read encoded images."""
        return tuple(one for one in self.terms if one.term.reads != "scores")

    def build(self, space: Space) -> Loss:
        """The loss for encoded images of ``space``. Weights of its own are drawn from torch's global generator."""
        return Loss(self, space)


class Loss(nn.Module):
    """Weighted sum of the terms of an objective."""

    def __init__(self, objective: Objective, space: Space) -> None:
        super().__init__()
        self.weights = [one.weight for one in objective.terms]
        self.terms = nn.ModuleList([one.spec.build(space) for one in objective.terms])

    def forward(self, batch: Batch) -> Tensor:
        losses = [weight * term.of(batch) for weight, term in zip(self.weights, self.terms, strict=True)]  # type: ignore[operator]
        return torch.stack(losses).sum()


def _weighted(part: str, whole: str) -> WeightedTerm:
    before, star, name = part.rpartition("*")
    if not name.strip() or (star and not before.strip()):
        raise UsageError(f"objective {whole!r}: {EXAMPLE}")
    try:
        weight = float(before) if star else 1.0
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise UsageError(f"objective {whole!r}: the weight {before.strip()!r} is not a positive number; {EXAMPLE}")
    return WeightedTerm(weight, OBJECTIVES.settle(name))
