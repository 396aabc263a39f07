"""The order of fusions before and after tuning, with what replicates leave open of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.stats.bootstrap import DRAWS
from bench.stats.intervals import FEWEST_SEEDS, LEVEL

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
    n = len(before)
    once, drawn = np.full((1, n), 1 / n), _shares(n)
    own = [_ranks(values, once, direction)[0] for values in (before, after)]
    both = [_ranks(_widened(values), drawn, direction) for values in (before, after)]
    correlations = _correlation(*both)
    known = correlations[~np.isnan(correlations)]
    few = n < FEWEST_SEEDS
    ends = (np.nan, np.nan) if few or not len(known) else np.quantile(known, ENDS)
    middle = _correlation(*(ranks[None] for ranks in own))[0]
    old, new = (_with_ends(*pair, few) for pair in zip(own, both, strict=True))
    return Order(old, new, (float(middle), float(ends[0]), float(ends[1])))


def _with_ends(value: Array, drawn: Array, few: bool) -> Ranks:
    if few:
        return Ranks(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    return Ranks(value, *np.quantile(drawn, ENDS, axis=0, method="nearest"))


def _shares(n: int) -> Array:
    """The share of each replicate in each sample, (draws, n)."""
    drawn = np.random.default_rng(0).integers(n, size=(DRAWS, n))
    return np.asarray((drawn[..., None] == np.arange(n)).mean(axis=1))


def _widened(values: Array) -> Array:
    n, centre = len(values), values.mean(axis=0)
    return np.asarray(centre + (values - centre) * np.sqrt(n / max(n - 1, 1)))


def _ranks(values: Array, shares: Array, direction: int) -> Array:
    """Ranks of the means (samples, fusions); fusions that tie share the mean of their ranks."""
    # Means that are equal on paper differ in their last digits.
    return np.asarray(rankdata(np.round(-direction * (shares @ values), 12), axis=1))


def _correlation(a: Array, b: Array) -> Array:
    """Of each row of ranks."""
    a, b = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))
