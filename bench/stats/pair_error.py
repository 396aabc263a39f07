"""What the draw of test pairs adds to the variance of a metric, where all seeds are tested on the same ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Scored

Array = NDArray[np.float64]
Units = NDArray[np.int64]
Influence = Callable[[Scored], Array]


def _ratio(part: Array, whole: Array) -> Array:
    """Influence (N,) of each pair on the sum of ``part`` over that of ``whole``, to first order."""
    total = whole.sum()
    if not total:
        return np.full(len(whole), np.nan)
    return np.asarray((part - part.sum() / total * whole) / total)


def _accuracy(label: NDArray[np.integer], decision: NDArray[np.bool_]) -> Array:
    return _ratio((decision == (label == 1)).astype(float), np.ones(len(label)))


def _recall(label: NDArray[np.integer], decision: NDArray[np.bool_], of: int) -> Array:
    """Influence on the share of right decisions among pairs of one label."""
    own = (label == of).astype(float)
    return _ratio(own * (decision == bool(of)), own)


def _f1(label: NDArray[np.integer], decision: NDArray[np.bool_]) -> Array:
    same, said = (label == 1).astype(float), decision.astype(float)
    return _ratio(2 * same * said, same + said)


def _auc(scored: Scored) -> Array:
    """By placements: of each same pair the share of different pairs that it beats, and the other way round.

    DeLong, DeLong & Clarke-Pearson, 1988, Comparing the areas under two or more correlated ROC curves.
    """
    same = scored.label == 1
    placements = np.empty(len(same))
    for own, sign in ((same, 1.0), (~same, -1.0)):
        others = np.sort(sign * scored.scores[~own])
        mine = sign * scored.scores[own]
        beaten = np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")
        placements[own] = beaten / 2 / max(len(others), 1)
        placements[own] = placements[own] / own.sum() if own.any() else np.nan
    return placements


# By metric; what is not here is told without the error of its test pairs.
_INFLUENCES: Mapping[str, Influence] = MappingProxyType(
    {
        "accuracy": lambda scored: _accuracy(scored.label, scored.decision),
        "accuracy_val": lambda scored: _accuracy(scored.label, scored.decision_val),
        "accuracy_tuned": lambda scored: _accuracy(scored.label, scored.decision_tuned),
        "balanced_accuracy": lambda scored: (
            (_recall(scored.label, scored.decision, 1) + _recall(scored.label, scored.decision, 0)) / 2
        ),
        "precision": lambda scored: _ratio(
            (scored.label == 1) * scored.decision.astype(float), scored.decision.astype(float)
        ),
        "recall": lambda scored: _recall(scored.label, scored.decision, 1),
        "f1": lambda scored: _f1(scored.label, scored.decision),
        "f1_val": lambda scored: _f1(scored.label, scored.decision_val),
        "auc": _auc,
        "p_same": lambda scored: _ratio(scored.decision.astype(float), np.ones(len(scored.label))),
        "brier": lambda scored: _ratio(
            np.asarray((scored.probability - scored.label) ** 2, dtype=float), np.ones(len(scored.label))
        ),
    }
)


KNOWN = frozenset(_INFLUENCES)


def influence(metric: str, scored: Scored) -> Array:
    """How far each test pair moves the value of a metric, (N,); nan where that is not defined.

    Every draw has as many same pairs as different ones: what tells these two apart does not vary, and is taken off.
    """
    found, same = _INFLUENCES[metric](scored), scored.label == 1
    means = [found[own].mean() if own.any() else 0.0 for own in (~same, same)]
    return np.asarray(found - np.take(means, same.astype(int)))


def pair_variance(influences: Array, units: Units | None) -> tuple[float, float]:
    """Variance of a metric over draws of its test pairs, and its degrees of freedom.

    Pairs that share a unit, an image or a class, vary together: all products of two such pairs count (Aronow, Samii &
    Assenova, 2015, Cluster-robust variance estimation for dyadic data), and never less than pairs by themselves would.

    Args:
        influences: (N,) of each pair on the value, nan where that is not defined.
        units: (N, 2) the units that a pair is of; None where no two pairs share any.
    """
    alone = float((influences**2).sum())
    if units is None:
        return alone * len(influences) / max(len(influences) - 1, 1), len(influences) - 1.0
    known, number = np.unique(units, return_inverse=True)
    number = number.reshape(units.shape)
    first, second = number.min(axis=1), number.max(axis=1)
    apart = first != second
    of_unit = np.bincount(first, influences, len(known)) + np.bincount(second[apart], influences[apart], len(known))
    # Pairs of the same two units were counted under both.
    _, both = np.unique(first[apart] * len(known) + second[apart], return_inverse=True)
    twice = np.bincount(both, influences[apart]) if apart.any() else np.zeros(1)
    together = float((of_unit**2).sum() - (twice**2).sum())
    return max(alone, together) * len(known) / max(len(known) - 1, 1), max(len(known) - 1.0, 1.0)
