"""What a number of blocks can show: the smallest effect that the paired t test finds, and how many blocks it takes."""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.special import nctdtr, nctdtrinc, ndtr, stdtrit

from bench.stats.intervals import FEWEST_SEEDS

ALPHA, POWER = 0.05, 0.8
MOST_BLOCKS = 10_000


def blocks_to_detect(effect: float, tests: int = 1) -> int:
    """Blocks with which an ``effect``, in standard deviations of the differences, is found ``POWER`` of the time.

    By the noncentral t at the first step of Holm; at least ``FEWEST_SEEDS``, at most ``MOST_BLOCKS``.
    """
    low, high = FEWEST_SEEDS, MOST_BLOCKS
    while low < high:
        middle = (low + high) // 2
        if t_power(middle, abs(effect), ALPHA / max(tests, 1)) >= POWER:
            high = middle
        else:
            low = middle + 1
    return low


def t_power(n: int, effect: float, alpha: float = ALPHA) -> float:
    """Power of the two-sided paired t test for an ``effect`` >= 0 in standard deviations of the differences."""
    # The other tail is left out: it adds less than alpha / 2, and only where the power is next to nothing.
    freedom, shift = n - 1, effect * math.sqrt(n)
    critical = float(stdtrit(freedom, 1 - alpha / 2))
    missed = float(nctdtr(freedom, shift, critical))
    if math.isnan(missed):
        # SciPy has no number for some large shifts; there the normal approximation (Abramowitz and Stegun, 26.7.10) is
        # as good.
        missed = float(ndtr((critical * (1 - 1 / (4 * freedom)) - shift) / math.sqrt(1 + critical**2 / (2 * freedom))))
    return 1 - missed


@lru_cache(maxsize=256)
def detectable_effect(freedom: float, tests: int = 1) -> float:
    """The smallest mean, in standard errors, that a t test finds ``POWER`` of the time at the first step of Holm."""
    # Beyond as many SciPy has no number, and t is normal.
    known = min(freedom, float(MOST_BLOCKS))
    return float(nctdtrinc(known, 1 - POWER, stdtrit(known, 1 - ALPHA / max(tests, 1) / 2)))
