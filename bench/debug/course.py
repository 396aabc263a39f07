"""One training as a sweep does it, looked at before, during and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bench.debug.subject import Subject
from bench.domain import build_domain
from bench.errors import DivergedError
from bench.evaluation.collapse import Evidence
from bench.evaluation.diagnosis import diagnose
from bench.evaluation.metrics import best_threshold
from bench.evaluation.scoring import read_pairs
from bench.sweep.evaluate import decides_on_validation
from bench.sweep.measure import trivial_loss
from bench.sweep.run_cell import order_of, steps_of
from bench.sweep.watch import Validation, Watch
from bench.training.checks import overfits_from
from bench.training.loop import History, fit

CHECKS = 8
# Modules behind which no value is negative, or none is large.
SQUASHING = (nn.Sigmoid, nn.Softmax, nn.ReLU, nn.Tanh)


@dataclass(frozen=True)
class Look:
    """A model on the validation pairs.

    Attributes:
        scores: (N,) logits. cosine: (N,) of the encodings; None where no image is encoded without the other.
        measures: by the names that they have in a record.
    """

    scores: NDArray[np.float32]
    cosine: NDArray[np.float32] | None
    measures: Mapping[str, Any]


@dataclass(frozen=True)
class Course:
    """What one training showed.

    Attributes:
        before, after: the model on validation pairs; ``after`` is None where it diverged.
        label: (N,) 1 for same.
        collapse: why the model counts as broken; None where it does not.
        diverged: what was not finite; empty where all was.
        squashing: modules of fusion and head that bound or clip, by name.
    """

    history: History
    before: Look
    after: Look | None
    label: NDArray[np.int64]
    collapse: str | None
    diverged: str
    squashing: Mapping[str, str]

    @property
    def overfits_from(self) -> int | None:
        """Training pairs from which on the model learns them by heart."""
        return overfits_from(self.history.curve, self.history.checks)


def follow(subject: Subject) -> Course:
    """Train the model of a subject once."""
    fresh = subject.fresh()
    prepared, learner = fresh.prepared, fresh.learner
    validation, steps = Validation.of(prepared, learner), steps_of(prepared.cell)
    before, _ = _look(subject, validation, History())
    watch = Watch(validation, min(CHECKS, steps), steps)
    history, after, collapse, diverged = History(), None, None, ""

    def should_stop(step: int) -> bool:
        watch(step)
        return False

    try:
        history = fit(
            learner, fresh.recipe, order_of(prepared.cell), steps, should_stop=should_stop, clip=watch.gradients.clip
        )
        after, collapse = _look(subject, validation, history)
    except DivergedError as error:
        diverged = str(error)
    history.checks = watch.checks
    return Course(history, before, after, validation.label, collapse, diverged, _squashing(learner.model))


def _look(subject: Subject, validation: Validation, history: History) -> tuple[Look, str | None]:
    """The model now, and why it counts as broken, if it does."""
    cell, model, label = subject.cell, validation.learner.model, validation.label
    scores, cosine = read_pairs(model, validation.a, validation.b)
    threshold = best_threshold(label, scores) if decides_on_validation(cell, model) else 0.0
    domain = build_domain(cell.domain)
    trivial = trivial_loss(cell, model, len(domain.classes))
    evidence = Evidence(
        scores, label, threshold, history.curve, trivial, len(domain.classes), has_classes=domain.names_images
    )
    found = diagnose(model, validation.a, validation.b, validation.class_a, validation.class_b, evidence)
    return Look(scores, cosine, found.measures), found.collapse


def _squashing(model: Any) -> dict[str, str]:
    parts = nn.ModuleDict({"fusion": model.fusion, "head": model.head})
    return {name: type(part).__name__ for name, part in parts.named_modules() if isinstance(part, SQUASHING)}
