"""What the draw of test pairs adds to the variance of a metric, where all seeds are tested on the same ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.metrics import Scored
from bench.stats.paired import Shared

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


@dataclass(frozen=True)
class PairCovariances:
    """How the draw of test pairs moves several values together.

    Attributes:
        products: (2, rows, rows) covariances over pairs by themselves, and over pairs that share a unit.
        freedom: degrees of freedom.
        step: how far apart neighbouring values are; 0 where they lie anywhere.
    """

    products: Array
    freedom: float = math.inf
    step: float = 0.0

    def __add__(self, other: PairCovariances) -> PairCovariances:
        """Those of sums, or of differences, over two draws."""
        # Each is as coarse as it is by itself, and one of them may not move at all.
        step = math.hypot(self.step, other.step)
        return PairCovariances(self.products + other.products, min(self.freedom, other.freedom), step)

    def scaled(self, factor: float) -> PairCovariances:
        """Those of ``factor`` times the values."""
        return PairCovariances(self.products * factor**2, self.freedom, self.step * factor)

    def of(self, row: int) -> Shared:
        """What is shared of one value."""
        return Shared(float(self.own[row]), self.freedom, self.step)

    def apart(self, row: int, other: int) -> Shared:
        """What is shared of the difference between two."""
        return Shared(float(self.between[row, other]), self.freedom, self.step)

    @property
    def own(self) -> Array:
        """Variance (rows,) of each value: never less than pairs by themselves would leave."""
        return np.asarray(np.diagonal(self.products, axis1=1, axis2=2).max(axis=0))

    @property
    def between(self) -> Array:
        """Variance (rows, rows) of the difference between any two."""
        squares = np.diagonal(self.products, axis1=1, axis2=2)
        if not squares.any():
            return np.zeros(self.products.shape[1:])
        # Of two rows that are the same nothing is left but rounding.
        return np.asarray((squares[:, :, None] + squares[:, None] - 2 * self.products).max(axis=0).clip(0))


def nothing_shared(rows: int) -> PairCovariances:
    """Those of values that no draw moves, or of which that is not known."""
    return PairCovariances(np.zeros((2, rows, rows)))


def pair_covariances(influences: Array, units: Units | None) -> PairCovariances:
    """How other draws of test pairs would move metrics together.

    Pairs that share a unit, an image or a class, vary together: all products of two such pairs count (Aronow, Samii &
    Assenova, 2015, Cluster-robust variance estimation for dyadic data).

    Args:
        influences: (rows, N) of each pair on each value.
        units: (N, 2) the units that a pair is of; None where no two pairs share any.
    """
    pairs = influences.shape[1]
    alone = influences @ influences.T
    if units is None:
        return PairCovariances(np.stack([alone, alone]) * (pairs / max(pairs - 1, 1)), max(pairs - 1.0, 1.0))
    known, number = np.unique(units, return_inverse=True)
    number = number.reshape(units.shape)
    first, second = number.min(axis=1), number.max(axis=1)
    apart = first != second
    of_unit = _summed(influences, first, len(known)) + _summed(influences[:, apart], second[apart], len(known))
    # Pairs of the same two units were counted under both.
    kinds, both = np.unique(first[apart] * len(known) + second[apart], return_inverse=True)
    twice = _summed(influences[:, apart], both, len(kinds))
    together = of_unit @ of_unit.T - twice @ twice.T
    factor = len(known) / max(len(known) - 1, 1)
    return PairCovariances(np.stack([alone, together]) * factor, max(len(known) - 1.0, 1.0))


def _summed(influences: Array, place: NDArray[np.integer], places: int) -> Array:
    """Sums (rows, places) of the columns of each place."""
    return np.stack([np.bincount(place, row, places) for row in influences])
