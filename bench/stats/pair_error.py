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


def _auc(label: NDArray[np.integer], scores: NDArray[np.floating] | None) -> Array:
    """By placements: of each same pair the share of different pairs that it beats, and the other way round.

    DeLong, DeLong & Clarke-Pearson, 1988, Comparing the areas under two or more correlated ROC curves.
    """
    same = label == 1
    placements = np.empty(len(same))
    if scores is None:
        return np.full(len(same), np.nan)
    for own, sign in ((same, 1.0), (~same, -1.0)):
        others = np.sort(sign * scores[~own])
        mine = sign * scores[own]
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
        "auc": lambda scored: _auc(scored.label, scored.scores),
        "encoder_auc": lambda scored: _auc(scored.label, scored.cosine),
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
    """Variance of a metric, or of a difference in it, over draws of its test pairs, and its degrees of freedom.

    Pairs that share a unit, an image or a class, vary together: all products of two such pairs count (Aronow, Samii &
    Assenova, 2015, Cluster-robust variance estimation for dyadic data), and never less than pairs by themselves would.

    Args:
        influences: (N,) of each pair on the value.
        units: (N, 2) the units that a pair is of; None where no two pairs share any.
    """
    (alone, together), freedom = _products(influences[None], units)
    return float(max(alone.item(), together.item())), freedom


def pair_variances(influences: Array, units: Units | None) -> Array:
    """The same of all differences between rows of ``influences`` (rows, N): (rows, rows)."""
    products, _ = _products(influences, units)
    squares = np.diagonal(products, axis1=1, axis2=2)
    # Of two rows that are the same nothing is left but rounding.
    return np.asarray((squares[:, :, None] + squares[:, None] - 2 * products).max(axis=0).clip(0))


def _products(influences: Array, units: Units | None) -> tuple[Array, float]:
    """Products (2, rows, rows) of rows, summed over each pair with itself and over pairs that share a unit; and the
    degrees of freedom."""
    pairs = influences.shape[1]
    alone = influences @ influences.T
    if units is None:
        return np.stack([alone, alone]) * (pairs / max(pairs - 1, 1)), max(pairs - 1.0, 1.0)
    known, number = np.unique(units, return_inverse=True)
    number = number.reshape(units.shape)
    first, second = number.min(axis=1), number.max(axis=1)
    apart = first != second
    of_unit = _summed(influences, first, len(known)) + _summed(influences[:, apart], second[apart], len(known))
    # Pairs of the same two units were counted under both.
    kinds, both = np.unique(first[apart] * len(known) + second[apart], return_inverse=True)
    twice = _summed(influences[:, apart], both, len(kinds))
    together = of_unit @ of_unit.T - twice @ twice.T
    return np.stack([alone, together]) * (len(known) / max(len(known) - 1, 1)), max(len(known) - 1.0, 1.0)


def _summed(influences: Array, place: NDArray[np.integer], places: int) -> Array:
    """Sums (rows, places) of the columns of each place."""
    return np.stack([np.bincount(place, row, places) for row in influences])
