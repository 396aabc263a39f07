"""How often a fusion is better than the baseline, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from bench.stats.intervals import LEVEL


@dataclass(frozen=True)
class Improvement:
    """The share of blocks in which the fusion was better, ties counting half, with its Wilson interval."""

    share: float
    low: float
    high: float


def improvement(differences: NDArray[np.float64], direction: int) -> Improvement:
    """Paired probability of improvement from ``differences`` (blocks,); ``direction`` is -1 if lower is better."""
    n = len(differences)
    signs = np.sign(differences) * direction
    return share_of(float((signs > 0).sum() + (signs == 0).sum() / 2), n)


def share_of(count: float, n: int) -> Improvement:
    """``count`` out of ``n`` with its interval (Wilson, 1927, Probable inference); nan where n = 0."""
    if n == 0:
        return Improvement(math.nan, math.nan, math.nan)
    share, z = count / n, float(ndtri((1 + LEVEL) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return Improvement(share, max(0.0, middle - half), min(1.0, middle + half))
