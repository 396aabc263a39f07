"""The table of metrics: what each is called, which direction is better, what it is told in, and how it is computed.

Whatever shows, ranks or judges a metric reads this table; nothing heavy is imported before a value is computed.
"""

from __future__ import annotations

import inspect
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

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
ECE_BINS = 15
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
        return _sigmoid(self.scores)


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


def fpr_at_recall(label: Labels, scores: Array, recall: float) -> float:
    """False positive rate where the true positive rate first reaches ``recall``."""
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(label, scores, drop_intermediate=False)
    return float(fpr[(tpr >= recall).argmax()])


def binary_log_loss(label: Labels, scores: Array) -> float:
    """Mean negative log-likelihood of logits, exact for large scores (a probability of 1.0 would not be)."""
    import numpy as np

    sign = np.where(label == 1, 1.0, -1.0)
    return float(np.logaddexp(0, -sign * scores).mean())


def expected_calibration_error(label: Labels, probability: Array, bins: int = ECE_BINS) -> float:
    """Mean |confidence - frequency| over ``bins`` bins of equal mass (Nguyen & O'Connor, 2015)."""
    import numpy as np

    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    gaps = [abs(probability[group].mean() - label[group].mean()) * len(group) for group in groups]
    return float(sum(gaps) / len(label))


def signal_detection(label: Labels, decision: Decisions) -> tuple[float, float]:
    """Sensitivity d' and criterion c of a decision, with the log-linear correction of Hautus (1995)."""
    from scipy.stats import norm

    hits = (decision[label == 1].sum() + 0.5) / ((label == 1).sum() + 1)
    alarms = (decision[label == 0].sum() + 0.5) / ((label == 0).sum() + 1)
    z_hits, z_alarms = norm.ppf(hits), norm.ppf(alarms)
    return float(z_hits - z_alarms), float(-(z_hits + z_alarms) / 2)


def _sigmoid(scores: Array) -> Array:
    from scipy.special import expit

    return expit(scores)


def _sklearn(function: str, of: str, **options: Any) -> Callable[[Scored], float]:
    """A function of ``sklearn.metrics``, imported when called, of the labels and an attribute of ``Scored``."""

    def compute(scored: Scored) -> float:
        from sklearn import metrics

        return getattr(metrics, function)(scored.label, getattr(scored, of), **options)

    return compute


def _of_encoder(compute: Callable[[Scored], float]) -> Callable[[Scored], float]:
    """``compute`` where each image is encoded without the other, else nan."""
    return lambda scored: math.nan if scored.cosine is None else compute(scored)


def _metric(name: str, direction: int, what: str, compute: Callable[[Scored], float], **facts: Any) -> None:
    """Register a metric that needs no class of its own."""
    own = {"name": name, "direction": direction, "__doc__": what, "compute": compute}
    functions = {fact: staticmethod(value) for fact, value in (own | facts).items() if callable(value)}
    register_metric(type(name, (Metric,), own | facts | functions))


def _of_a_pair(pairs: int) -> float:
    """One decision more is right, or wrong."""
    return 1 / pairs


def _of_a_kind(pairs: int) -> float:
    """One more of the same pairs, or of the different ones."""
    return 2 / pairs


def _of_two(pairs: int) -> float:
    """One same pair and one different one change places."""
    return (2 / pairs) ** 2


# fmt: off
_metric("accuracy", HIGHER, "Share of right decisions at score 0.", chance=0.5, judged=True,
        step=_of_a_pair, compute=_sklearn("accuracy_score", "decision"))
_metric("balanced_accuracy", HIGHER, "Mean of the accuracies on same and on different pairs.", chance=0.5, judged=True,
        step=_of_a_pair, compute=_sklearn("balanced_accuracy_score", "decision"))
_metric("precision", HIGHER, "Share of same pairs among those called same at score 0.",
        step=_of_a_kind, compute=_sklearn("precision_score", "decision", zero_division=0))
_metric("recall", HIGHER, "Share of the same pairs that are called same at score 0.",
        step=_of_a_kind, compute=_sklearn("recall_score", "decision"))
_metric("f1", HIGHER, "Harmonic mean of precision and recall.", judged=True,
        step=_of_a_pair, compute=_sklearn("f1_score", "decision"))
_metric("auc", HIGHER, "Area under the ROC curve.", chance=0.5, judged=True,
        step=_of_two, compute=_sklearn("roc_auc_score", "scores"))
_metric("average_precision", HIGHER, "Area under the precision-recall curve.", chance=0.5,
        compute=_sklearn("average_precision_score", "scores"))
_metric("fpr95", LOWER, "False positive rate at the highest threshold whose recall is at least 95 %.",
        step=_of_a_kind, compute=lambda scored: fpr_at_recall(scored.label, scored.scores, 0.95))
_metric("brier", LOWER, "Mean squared error of the probability sigmoid(score).",
        compute=_sklearn("brier_score_loss", "probability"))
_metric("log_loss", LOWER, "Mean negative log-likelihood of the probability sigmoid(score).", unit="nats",
        compute=lambda scored: binary_log_loss(scored.label, scored.scores))
_metric("ece", LOWER, f"Expected calibration error over {ECE_BINS} bins of equal mass.",
        compute=lambda scored: expected_calibration_error(scored.label, scored.probability))
_metric("d_prime", HIGHER, "Sensitivity: z(hit rate) - z(false alarm rate), with the log-linear correction.", unit="z",
        compute=lambda scored: signal_detection(scored.label, scored.decision)[0])
_metric("criterion", NEITHER, "Bias of the decisions: above 0 where they lean towards different.", unit="z",
        compute=lambda scored: signal_detection(scored.label, scored.decision)[1])
_metric("p_same", NEITHER, "Share of pairs called same at score 0.",
        compute=lambda scored: float(scored.decision.mean()))
_metric("threshold", NEITHER, "Score with the best F1 on the validation pairs.", unit="logit",
        compute=lambda scored: scored.threshold)
_metric("accuracy_val", HIGHER, "Accuracy at the threshold with the best F1 on validation.",
        step=_of_a_pair, compute=_sklearn("accuracy_score", "decision_val"))
_metric("f1_val", HIGHER, "F1 at the threshold with the best F1 on validation.",
        step=_of_a_pair, compute=_sklearn("f1_score", "decision_val"))
_metric("swap_gap", LOWER, "Mean |p(A, B) - p(B, A)|.", of_both_orders=True,
        compute=lambda scored: float(abs(scored.probability - _sigmoid(scored.swapped)).mean()))
_metric("swap_flips", LOWER, "Share of decisions that change with the order of the images.", of_both_orders=True,
        step=_of_a_pair, compute=lambda scored: float((scored.decision != (scored.swapped > 0)).mean()))
_metric("threshold_tuned", NEITHER, "Score with the best accuracy on the validation pairs.", unit="logit",
        compute=lambda scored: scored.tuned)
_metric("accuracy_tuned", HIGHER, "Accuracy at the threshold with the best accuracy on validation.", chance=0.5,
        step=_of_a_pair, compute=_sklearn("accuracy_score", "decision_tuned"))
_metric("encoder_auc", HIGHER, "AUC of the cosine of the two encodings, without fusion and head.", chance=0.5,
        step=_of_two, compute=_of_encoder(_sklearn("roc_auc_score", "cosine")))
_metric("encoder_accuracy", HIGHER, "Accuracy of that cosine at its threshold with the best accuracy on validation.",
        chance=0.5, step=_of_a_pair, compute=_of_encoder(_sklearn("accuracy_score", "decision_encoder")))
# fmt: on
