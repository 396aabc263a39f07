"""The order of fusions before and after tuning, with what replicates leave open of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.bootstrap import DRAWS, resampled_means, widened
from bench.stats.intervals import FEWEST_SEEDS, LEVEL
from bench.stats.ranking import rank_correlations, ranks_of

Array = NDArray[np.float64]
ENDS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)


@dataclass(frozen=True)
class Ranks:
    """Ranks (fusions,) by the mean, 1 is best, and the ends of their bootstrap intervals."""

    value: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Order:
    """Ranks before and after, and Spearman's correlation of the two with the ends of its interval; nan where there is
    none, as of two fusions that tie."""

    before: Ranks
    after: Ranks
    correlation: tuple[float, float, float]


def order_of(before: Array, after: Array, direction: int) -> Order:
    """Compare two orders of the same fusions on the same replicates.

    Replicates are drawn with replacement, the same ones for all fusions, before and after. Residuals from the mean of a
    fusion are widened by √(n / (n - 1)), without which intervals over few replicates are short. From fewer than
    ``FEWEST_SEEDS`` replicates nothing is inferred.

    Args:
        before, after: (replicates, fusions), complete. direction: -1 if lower is better.
    """
    few = len(before) < FEWEST_SEEDS
    sides = [direction * values.T for values in (before, after)]
    own = np.stack([_means(values.mean(axis=-1)) for values in sides])
    drawn = np.stack([_means(resampled_means(widened(values), DRAWS)) for values in sides], axis=1)
    correlations = rank_correlations(drawn)[:, 0, 1]
    known = correlations[~np.isnan(correlations)]
    ends = (np.nan, np.nan) if few or not len(known) else np.quantile(known, ENDS)
    old, new = (_with_ends(ranks_of(own[side]), ranks_of(drawn[:, side]), few) for side in (0, 1))
    return Order(old, new, (float(rank_correlations(own)[0, 1]), float(ends[0]), float(ends[1])))


def _with_ends(value: Array, drawn: Array, few: bool) -> Ranks:
    if few:
        return Ranks(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    return Ranks(value, *np.quantile(drawn, ENDS, axis=0, method="nearest"))


def _means(values: Array) -> Array:
    """Means that are equal on paper differ in their last digits."""
    return np.asarray(np.round(values, 12))
