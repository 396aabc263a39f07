"""Validation pairs scored while a cell trains: for early stopping, and to watch it. No number depends on a look."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import Latents
from bench.errors import DivergedError
from bench.evaluation.metrics import auc_of, best_f1
from bench.evaluation.scoring import score_pairs
from bench.metrics import binary_log_loss
from bench.sweep.inputs import draw, inputs
from bench.sweep.prepare import Prepared
from bench.training.applicable import trained_by_objective
from bench.training.checks import Check
from bench.training.early_stop import waited_for
from bench.training.gradients import GradientNorms, layers_of
from bench.training.pairs import PairLearner
from bench.training.recipe import DEFAULT_OBJECTIVE

# Of the validation pairs, so that a few checks cost little beside the training.
CHECKED = 96


@dataclass(frozen=True)
class Validation:
    """Validation pairs (N,) of a cell: A and B as its learner is given them, their latents, and 1 for same."""

    learner: PairLearner
    a: Tensor
    b: Tensor
    latents_a: Latents
    latents_b: Latents
    label: NDArray[np.int64]

    @classmethod
    def of(cls, prepared: Prepared, learner: PairLearner) -> Validation:
        """All that the recipe asks for."""
        cell = prepared.cell
        pairs = draw(cell.domain, *cell.draws("val"))
        sides = inputs(cell, prepared.model, prepared.start, cell.domain, "val")
        return cls(learner, *sides, pairs.a.latents, pairs.b.latents, pairs.label.numpy())

    @property
    def class_a(self) -> Tensor:
        """(N,) int64."""
        return self.latents_a["class"]

    @property
    def class_b(self) -> Tensor:
        """(N,) int64."""
        return self.latents_b["class"]

    def first(self, n: int) -> Validation:
        """The first ``n``."""
        latents_a, latents_b = (
            {name: values[:n] for name, values in latents.items()} for latents in (self.latents_a, self.latents_b)
        )
        return Validation(self.learner, self.a[:n], self.b[:n], latents_a, latents_b, self.label[:n])

    def scores(self) -> NDArray[np.float32]:
        """Logits (N,) of the pairs."""
        return score_pairs(self.learner.model, self.a, self.b)

    def loss(self, scores: NDArray[np.float32] | None = None) -> float:
        """What training minimises; of a fusion that learns names the loss of its scores.

        Args:
            scores: where they are known already.
        """
        learner = self.learner
        if learner.recipe.objective == DEFAULT_OBJECTIVE or not trained_by_objective(learner.model.fusion):
            return binary_log_loss(self.label, self.scores() if scores is None else scores)
        return learner.validation_loss(self.a, self.b, self.class_a, self.class_b)


OnCheck = Callable[[int, Validation], None]


class Watch:
    """Looks at a learner at ``checks`` points of its training, of which there are ``steps``.

    Args:
        on_check: told of each how many pairs were seen, and the validation pairs with the model as it is then.

    Attributes:
        checks: what was seen.
        gradients: of all steps since the check before.
        waited: seconds in which a GPU finished the steps that it had been handed before a check.
    """

    def __init__(
        self, validation: Validation, checks: int, steps: int, on_check: OnCheck = lambda pairs, validation: None
    ) -> None:
        self.checks: list[Check] = []
        self.gradients = GradientNorms(layers_of(validation.learner))
        self.waited = 0.0
        self._validation, self._on_check = validation.first(CHECKED), on_check
        self._at: Collection[int] = {round(steps * number / checks) for number in range(1, checks + 1)}

    def __call__(self, step: int) -> None:
        """Look, if it is time. Where scores are not finite there is nothing to see: training itself says whether it
        diverged."""
        if step not in self._at:
            return
        learner = self._validation.learner
        self.waited += waited_for(learner.module)
        with torch.random.fork_rng(devices=[]), suppress(DivergedError):
            pairs = step * learner.recipe.batch_size
            self.checks.append(self._check(pairs))
            self._on_check(pairs, self._validation)
        learner.module.train()

    def _check(self, pairs: int) -> Check:
        validation, label = self._validation, self._validation.label
        scores = validation.scores()
        loss, auc, best = validation.loss(scores), auc_of(label, scores), best_f1(label, scores)
        return Check(pairs, len(label), loss, auc, *best, self.gradients.mean())
