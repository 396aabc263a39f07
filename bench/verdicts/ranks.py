"""Mean ranks of fusions over blocks, whether they differ at all, and from which distance on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr

from bench.records.blocks import Complete
from bench.stats.intervals import LEVEL
from bench.stats.ranking import ranks_of

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
    n, k = values.shape
    ranks = ranks_of(values)
    mean = ranks.mean(axis=0) if n else np.full(k, np.nan)
    reason = _why_no_critical_difference(n, k)
    critical = None if reason else critical_difference(k, n)
    return Ranks(complete.fusions, mean, n, _friedman_p(ranks), critical, reason)


def critical_difference(fusions: int, blocks: int) -> float:
    """Distance of two mean ranks from which on they differ at 5 %, all pairs taken together.

    Nemenyi's test as in Demsar, 2006, Statistical comparisons of classifiers over multiple data sets.
    """
    return _range_quantile(fusions) / np.sqrt(2) * np.sqrt(fusions * (fusions + 1) / (6 * blocks))


def _range_quantile(k: int) -> float:
    """Quantile, at ``LEVEL``, of the range of ``k`` standard normal values.

    That is ``scipy.stats.studentized_range`` with infinite degrees of freedom; loading that module alone takes longer
    than a report. The range is at most q with probability k ∫ φ(z) (Φ(z) - Φ(z - q))^(k - 1) dz, z being the largest.
    """
    z = np.linspace(-9, 9, 4001)
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * (z[1] - z[0])
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        probability = k * (density * (ndtr(z) - ndtr(z - middle)) ** (k - 1)).sum()
        low, high = (middle, high) if probability < LEVEL else (low, middle)
    return high


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
