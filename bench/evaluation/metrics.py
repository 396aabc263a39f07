"""Metrics of scores against labels. scikit-learn where it has the metric."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import norm
from sklearn import metrics as sk

Array = NDArray[np.floating]

ECE_BINS = 15
MAX_CELL_CLASSES = 8


@dataclass(frozen=True)
class Metrics:
    """Quality of one model on one set of pairs; all shares lie in [0, 1].

    Attributes:
        accuracy, balanced_accuracy, precision, recall, f1: of the decision at score 0, "same" being the positive class.
        auc: area under the ROC curve. average_precision: area under the precision-recall curve.
        fpr95: false positive rate at the lowest threshold whose recall is at least 95 %.
        brier, log_loss: of the probability ``sigmoid(score)``; lower is better.
        ece: expected calibration error over ``ECE_BINS`` bins of equal mass.
        d_prime: sensitivity z(hit rate) - z(false alarm rate), with the log-linear correction. criterion: the bias.
        p_same: share of pairs called same at score 0.
        threshold: the score with the best F1 on the validation pairs. accuracy_val, f1_val: at that threshold.
        swap_gap: mean |p(A, B) - p(B, A)|. swap_flips: share of decisions that change with the order.
        n: number of pairs.
    """

    accuracy: float
    balanced_accuracy: float
    precision: float
    recall: float
    f1: float
    auc: float
    average_precision: float
    fpr95: float
    brier: float
    log_loss: float
    ece: float
    d_prime: float
    criterion: float
    p_same: float
    threshold: float
    accuracy_val: float
    f1_val: float
    swap_gap: float
    swap_flips: float
    n: int

    def as_dict(self) -> dict[str, float]:
        """The metrics by name."""
        return asdict(self)


def evaluate(label: NDArray[np.integer], scores: Array, swapped: Array, threshold: float) -> Metrics:
    """All metrics of the scores of pairs (A, B).

    Args:
        label: (N,) 1 for same. scores, swapped: (N,) logits of (A, B) and of (B, A).
        threshold: from :func:`best_threshold` on validation pairs.
    """
    # A threshold between two neighbouring float32 scores is no float32.
    scores, swapped = scores.astype(np.float64), swapped.astype(np.float64)
    decision, decision_val = scores > 0, scores > threshold
    probability = expit(scores)
    d_prime, criterion = signal_detection(label, decision)
    return Metrics(
        accuracy=float(sk.accuracy_score(label, decision)),
        balanced_accuracy=float(sk.balanced_accuracy_score(label, decision)),
        precision=float(sk.precision_score(label, decision, zero_division=0)),
        recall=float(sk.recall_score(label, decision)),
        f1=float(sk.f1_score(label, decision)),
        auc=float(sk.roc_auc_score(label, scores)),
        average_precision=float(sk.average_precision_score(label, scores)),
        fpr95=fpr_at_recall(label, scores, 0.95),
        brier=float(sk.brier_score_loss(label, probability)),
        log_loss=binary_log_loss(label, scores),
        ece=expected_calibration_error(label, probability),
        d_prime=d_prime,
        criterion=criterion,
        p_same=float(decision.mean()),
        threshold=threshold,
        accuracy_val=float(sk.accuracy_score(label, decision_val)),
        f1_val=float(sk.f1_score(label, decision_val)),
        swap_gap=float(np.abs(probability - expit(swapped)).mean()),
        swap_flips=float((decision != (swapped > 0)).mean()),
        n=len(label),
    )


def best_threshold(label: NDArray[np.integer], scores: Array) -> float:
    """The threshold t with the best F1 of ``score > t`` on the precision-recall curve, halfway to the next lower
    score."""
    precision, recall, thresholds = sk.precision_recall_curve(label, scores.astype(np.float64))
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    lower = thresholds[best - 1] if best else thresholds[best] - 1.0
    return float((thresholds[best] + lower) / 2)


def fpr_at_recall(label: NDArray[np.integer], scores: Array, recall: float) -> float:
    """False positive rate where the true positive rate first reaches ``recall``."""
    fpr, tpr, _ = sk.roc_curve(label, scores, drop_intermediate=False)
    return float(fpr[np.argmax(tpr >= recall)])


def binary_log_loss(label: NDArray[np.integer], scores: Array) -> float:
    """Mean negative log-likelihood of logits, exact for large scores (a probability of 1.0 would not be)."""
    sign = np.where(label == 1, 1.0, -1.0)
    return float(np.logaddexp(0, -sign * scores).mean())


def expected_calibration_error(label: NDArray[np.integer], probability: Array, bins: int = ECE_BINS) -> float:
    """Mean |confidence - frequency| over ``bins`` bins of equal mass (Nguyen & O'Connor, 2015)."""
    order = np.argsort(probability, kind="stable")
    groups = [group for group in np.array_split(order, bins) if len(group)]
    gaps = [abs(probability[group].mean() - label[group].mean()) * len(group) for group in groups]
    return float(sum(gaps) / len(label))


def signal_detection(label: NDArray[np.integer], decision: NDArray[np.bool_]) -> tuple[float, float]:
    """Sensitivity d' and criterion c of a decision, with the log-linear correction of Hautus (1995)."""
    hits = (decision[label == 1].sum() + 0.5) / ((label == 1).sum() + 1)
    alarms = (decision[label == 0].sum() + 0.5) / ((label == 0).sum() + 1)
    z_hits, z_alarms = norm.ppf(hits), norm.ppf(alarms)
    return float(z_hits - z_alarms), float(-(z_hits + z_alarms) / 2)


def class_cells(
    class_a: NDArray[np.integer], class_b: NDArray[np.integer], scores: Array, classes: tuple[str, ...]
) -> dict[str, dict[str, float]]:
    """For each ordered pair of classes: the number of pairs, accuracy and P(same) at score 0; nothing where there are
    more than ``MAX_CELL_CLASSES`` classes."""
    cells: dict[str, dict[str, float]] = {}
    if len(classes) > MAX_CELL_CLASSES:
        return cells
    for i, first in enumerate(classes):
        for j, second in enumerate(classes):
            chosen = scores[(class_a == i) & (class_b == j)] > 0
            if len(chosen):
                p_same = float(chosen.mean())
                accuracy = p_same if i == j else 1 - p_same
                cells[f"{first}-{second}"] = {"n": len(chosen), "accuracy": accuracy, "p_same": p_same}
    return cells


def stratum_metrics(
    label: NDArray[np.integer], scores: Array, index: NDArray[np.integer], names: tuple[str, ...]
) -> dict[str, dict[str, float | None]]:
    """For each kind of pairs: their number, accuracy and P(same) at score 0, and AUC where both labels occur."""
    strata: dict[str, dict[str, float | None]] = {}
    for position, name in enumerate(names):
        chosen = index == position
        truth, own = label[chosen], scores[chosen]
        if len(own):
            auc = float(sk.roc_auc_score(truth, own)) if len(np.unique(truth)) == 2 else None
            accuracy = float(((own > 0) == (truth == 1)).mean())
            strata[name] = {"n": len(own), "accuracy": accuracy, "p_same": float((own > 0).mean()), "auc": auc}
    return strata
