"""The contract of a metric, and the registry that whatever shows, ranks or judges one reads."""

from __future__ import annotations

import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, ClassVar

from bench.errors import in_a_line
from bench.registry import Registry, states

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating]
    Labels = NDArray[np.integer]
    Decisions = NDArray[np.bool_]

HIGHER, LOWER, NEITHER = 1, -1, 0
SHARE = "share"
# A number of pairs to ask a metric by.
STEP_PAIRS = 64
# What stands beside the metrics: in a record, and in the columns of a leaderboard.
TAKEN = ("n", "cells", "strata", "efficiency")


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model says of one set of pairs (A, B).

    Attributes:
        label: (N,) 1 for same.
        scores, swapped: (N,) float64, logits of (A, B) and of (B, A).
        threshold, tuned: the scores with the best F1 and with the best accuracy on the validation pairs.
        cosine: (N,) float64, of what the trained encoder makes of A and of B; None where no image is encoded without
            the other.
        cosine_tuned: the cosine with the best accuracy on the validation pairs.
    """

    label: Labels
    scores: Array
    swapped: Array
    threshold: float
    tuned: float
    cosine: Array | None = None
    cosine_tuned: float = math.nan

    @cached_property
    def decision(self) -> Decisions:
        """(N,) which pairs are called same at score 0."""
        return self.scores > 0

    @cached_property
    def decision_val(self) -> Decisions:
        """(N,) which pairs are called same at the threshold with the best F1 on validation."""
        return self.scores > self.threshold

    @cached_property
    def decision_tuned(self) -> Decisions:
        """(N,) which pairs are called same at the threshold with the best accuracy on validation."""
        return self.scores > self.tuned

    @cached_property
    def decision_encoder(self) -> Decisions:
        """(N,) which pairs are called same at the cosine with the best accuracy on validation."""
        assert self.cosine is not None
        return self.cosine > self.cosine_tuned

    @cached_property
    def probability(self) -> Array:
        """(N,) sigmoid of the scores."""
        from scipy.special import expit

        return expit(self.scores)


class Metric(ABC):
    """One number that says how good the scores of a set of pairs are; the first line of a docstring says how.

    Attributes:
        name: of its columns; small letters, digits and ``_``.
        direction: whether ``HIGHER``, ``LOWER`` or ``NEITHER`` is better.
        unit: ``SHARE`` for what lies in [0, 1], whose differences are told in points of a hundred; else its unit.
        chance: what an answer that ignores the images scores, where that is a fixed number.
        judged: whether the gate may judge by it: a share of test pairs, or near enough, whose sampling error is that of
            a share.
        of_both_orders: whether it compares (A, B) with (B, A); validation pairs are scored in one order and have none.
    """

    name: ClassVar[str]
    direction: ClassVar[int]
    unit: ClassVar[str] = SHARE
    chance: ClassVar[float | None] = None
    judged: ClassVar[bool] = False
    of_both_orders: ClassVar[bool] = False

    @abstractmethod
    def compute(self, scored: Scored) -> float:
        """The value; nan where it is not defined, of which a record says null."""

    @classmethod
    def step(cls, pairs: int) -> float:
        """How far apart neighbouring values on so many pairs are, half of them same; 0 where values lie anywhere."""
        return 1 / pairs if cls.judged else 0.0


def _check(cls: type[Metric]) -> None:
    states("metric", "name", "direction")(cls)
    if inspect.isabstract(cls):
        raise TypeError(f"metric {cls.__name__} does not define compute")
    if not re.fullmatch("[a-z][a-z0-9_]*", cls.name) or cls.name in TAKEN:
        raise TypeError(f"metric {cls.__name__}: {cls.name!r} cannot be the name of a column")
    if cls.direction not in (HIGHER, LOWER, NEITHER):
        raise TypeError(f"metric {cls.__name__}: direction must be HIGHER, LOWER or NEITHER")
    _check_step(cls)
    if cls.judged and (cls.unit != SHARE or cls.direction == NEITHER):
        raise TypeError(f"metric {cls.__name__}: only a share with a better direction can be judged")


def _check_step(cls: type[Metric]) -> None:
    try:
        step = float(cls.step(STEP_PAIRS))
    except Exception as error:
        raise TypeError(f"metric {cls.__name__}: step({STEP_PAIRS}) of the class fails ({in_a_line(error)})") from None
    if not 0 <= step < math.inf:
        raise TypeError(f"metric {cls.__name__}: step({STEP_PAIRS}) is {step}, expected a finite number from 0 on")


METRICS: Registry[Metric] = Registry("metric", _check)
register_metric = METRICS.register


def metric_names() -> tuple[str, ...]:
    """Names of all metrics in the order of registration, which is that of the values that ``bench.records`` keeps."""
    return tuple(metric.name for metric in METRICS.classes)


def judged_metrics() -> tuple[str, ...]:
    """Names of the metrics that the gate may judge by."""
    return tuple(metric.name for metric in METRICS.classes if metric.judged)


def validation_metrics() -> tuple[str, ...]:
    """Names of the metrics that validation pairs have."""
    return tuple(metric.name for metric in METRICS.classes if not metric.of_both_orders)


def metric_position(name: str) -> int:
    """Place of a metric in that order."""
    return _positions(METRICS.classes)[name]


@lru_cache(maxsize=4)
def _positions(classes: tuple[type[Metric], ...]) -> Mapping[str, int]:
    """Kept, as it is asked for once for each number of a table."""
    return {metric.name: place for place, metric in enumerate(classes)}


def evaluate(
    label: Labels,
    scores: Array,
    swapped: Array,
    threshold: float,
    tuned: float,
    cosine: Array | None = None,
    cosine_tuned: float = math.nan,
) -> dict[str, float | None]:
    """All metrics of the scores of pairs (A, B) by name; None where one is not defined.

    Args:
        label: (N,) 1 for same. scores, swapped: (N,) logits of (A, B) and of (B, A).
        threshold, tuned: from :func:`bench.evaluation.metrics.best_threshold` and ``most_accurate_threshold`` on
            validation pairs.
        cosine, cosine_tuned: as in :class:`Scored`.
    """
    # A threshold between two neighbouring float32 scores is not a float32.
    own, other = scores.astype("float64"), swapped.astype("float64")
    encoder = None if cosine is None else cosine.astype("float64")
    scored = Scored(label, own, other, threshold, tuned, encoder, cosine_tuned)
    values = {metric.name: float(metric().compute(scored)) for metric in METRICS.classes}
    return {name: None if math.isnan(value) else value for name, value in values.items()}
