"""How often a fusion is better than the baseline, block by block."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.stats.intervals import wilson


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


@lru_cache(maxsize=256)
def share_of(count: float, n: int) -> Improvement:
    """``count`` out of ``n`` with its interval; nan where n = 0."""
    return Improvement(count / n, *wilson(count, n)) if n else Improvement(math.nan, math.nan, math.nan)
