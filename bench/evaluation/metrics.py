"""What is measured beside the metrics of the table: thresholds of validation, cells of classes, kinds of pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

MAX_CELL_CLASSES = 8


class BestF1(NamedTuple):
    """The best F1 of ``score > threshold`` on the precision-recall curve, and where it is."""

    f1: float
    precision: float
    recall: float
    threshold: float


def best_f1(label: NDArray[np.integer], scores: Array) -> BestF1:
    """The best F1 there is; its threshold lies halfway to the next lower score."""
    from sklearn.metrics import precision_recall_curve  # slow to load, and whoever plans computes none

    precision, recall, thresholds = precision_recall_curve(label, scores.astype(np.float64))
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    best = int(np.argmax(f1[:-1]))
    lower = thresholds[best - 1] if best else thresholds[best] - 1.0
    threshold = float((thresholds[best] + lower) / 2)
    return BestF1(float(f1[best]), float(precision[best]), float(recall[best]), threshold)


def best_threshold(label: NDArray[np.integer], scores: Array) -> float:
    """The threshold of :func:`best_f1`."""
    return best_f1(label, scores).threshold


def auc_of(label: NDArray[np.integer], scores: Array) -> float | None:
    """Area under the ROC curve; None where all pairs have one label."""
    from sklearn.metrics import roc_auc_score  # slow to load

    return float(roc_auc_score(label, scores)) if len(np.unique(label)) == 2 else None


def most_accurate_threshold(label: NDArray[np.integer], scores: Array) -> float:
    """The threshold t with the best accuracy of ``score > t``, halfway between two scores; of equally good ones the
    middle one. Where most pairs would be called wrong, it lies beyond all scores."""
    order = np.argsort(scores, kind="stable")
    ordered, same = scores[order].astype(np.float64), label[order] == 1
    edges = np.concatenate([[ordered[0] - 1], (ordered[1:] + ordered[:-1]) / 2, [ordered[-1] + 1]])
    # With the i lowest scores called different.
    right = np.concatenate([[0], np.cumsum(~same)]) + np.concatenate([np.cumsum(same[::-1])[::-1], [0]])
    # Nothing lies between equal scores.
    right[1:-1][ordered[1:] == ordered[:-1]] = -1
    best = np.flatnonzero(right == right.max())
    return float(edges[best[len(best) // 2]])


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
            auc = auc_of(truth, own)
            accuracy = float(((own > 0) == (truth == 1)).mean())
            strata[name] = {"n": len(own), "accuracy": accuracy, "p_same": float((own > 0).mean()), "auc": auc}
    return strata
