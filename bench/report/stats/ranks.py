"""Mean ranks of fusions over blocks, whether they differ at all, and from which distance on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

from bench.report.intervals import LEVEL
from bench.report.stats.blocks import Complete

Array = NDArray[np.float64]

FEWEST_BLOCKS = 10


@dataclass(frozen=True)
class Ranks:
    """Ranks over blocks; 1 is best.

    Attributes:
        mean: (fusions,) mean rank. n: blocks.
        p: of the Friedman test that no fusion is better; nan with fewer than two fusions or blocks.
        critical_difference: of Nemenyi, None where ``reason`` says why there is none.
    """

    fusions: tuple[str, ...]
    mean: Array
    n: int
    p: float
    critical_difference: float | None
    reason: str


def mean_ranks(complete: Complete, direction: int) -> Ranks:
    """Rank fusions within each block; ``direction`` is -1 if lower is better."""
    values = complete.values * direction
    # The rank is 1 + how many are better + half of how many others are equal.
    better = (values[:, None, :] > values[:, :, None]).sum(axis=2)
    equal = (values[:, None, :] == values[:, :, None]).sum(axis=2) - 1
    ranks = 1 + better + equal / 2
    n, k = ranks.shape
    mean = ranks.mean(axis=0) if n else np.full(k, np.nan)
    reason = _why_no_critical_difference(n, k)
    critical = None if reason else critical_difference(k, n)
    return Ranks(complete.fusions, mean, n, _friedman_p(ranks), critical, reason)


def critical_difference(fusions: int, blocks: int) -> float:
    """Distance of two mean ranks from which on they differ at 5 %, all pairs taken together.

    Nemenyi's test as in Demsar, 2006, Statistical comparisons of classifiers over multiple data sets.
    """
    from scipy.stats import studentized_range  # slow to load, and most reports have too few blocks to need it

    quantile = float(studentized_range.ppf(LEVEL, fusions, np.inf)) / np.sqrt(2)
    return float(quantile * np.sqrt(fusions * (fusions + 1) / (6 * blocks)))


def _why_no_critical_difference(blocks: int, fusions: int) -> str:
    if fusions < 2:
        return "no critical difference: fewer than two fusions share a block"
    if blocks < FEWEST_BLOCKS:
        return f"no critical difference: {blocks} blocks that all fusions finished, it takes {FEWEST_BLOCKS}"
    return ""


def _friedman_p(ranks: Array) -> float:
    """p of the Friedman test with its correction for ties; nan where it is not defined."""
    n, k = ranks.shape
    if n < 2 or k < 2:
        return float("nan")
    spread = ((ranks - (k + 1) / 2) ** 2).sum()
    if spread == 0:
        return 1.0
    between = n * ((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()
    return float(chdtrc(k - 1, n * (k - 1) * between / spread))
