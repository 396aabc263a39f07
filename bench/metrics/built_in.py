"""The built-in metrics: what each says, which direction is better, and how it is computed.

Nothing heavy is imported before a value is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bench.metrics.contract import HIGHER, LOWER, NEITHER, Metric, Scored, register_metric

if TYPE_CHECKING:
    from bench.metrics.contract import Array, Decisions, Labels

ECE_BINS = 15


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


def mean_swap_gap(probability: Array, swapped: Array) -> float:
    """Mean |p(A, B) - p(B, A)|, of the probabilities of the pairs in one order and their scores in the other."""
    from scipy.special import expit

    return float(abs(probability - expit(swapped)).mean())


def signal_detection(label: Labels, decision: Decisions) -> tuple[float, float]:
    """Sensitivity d' and criterion c of a decision, with the log-linear correction of Hautus (1995)."""
    from scipy.stats import norm

    hits = (decision[label == 1].sum() + 0.5) / ((label == 1).sum() + 1)
    alarms = (decision[label == 0].sum() + 0.5) / ((label == 0).sum() + 1)
    z_hits, z_alarms = norm.ppf(hits), norm.ppf(alarms)
    return float(z_hits - z_alarms), float(-(z_hits + z_alarms) / 2)


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
        compute=lambda scored: mean_swap_gap(scored.probability, scored.swapped))
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
