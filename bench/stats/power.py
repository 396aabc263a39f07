"""What a number of blocks can show: the smallest effect that the sign-flip test finds, and how many blocks it takes."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import nctdtr, nctdtrinc, ndtr, stdtrit

from bench.stats.paired import MOST_EXACT

ALPHA, POWER = 0.05, 0.8
MOST_BLOCKS = 10_000
SAMPLES = 2000
MOST_VALUES = 2**21  # held at once by the simulation


def blocks_to_reject(tests: int, alpha: float = ALPHA) -> int:
    """Fewest blocks with which the sign-flip test can reject at all as one of ``tests`` under Holm."""
    return math.ceil(round(math.log2(2 * max(tests, 1) / alpha), 9))


def blocks_to_detect(effect: float, tests: int = 1, power: float = POWER) -> int:
    """Blocks with which an ``effect``, in standard deviations of the differences, is found with ``power``.

    By the noncentral t, but never fewer than ``blocks_to_reject``; at most ``MOST_BLOCKS``.
    """
    low, high = blocks_to_reject(tests), MOST_BLOCKS
    while low < high:
        middle = (low + high) // 2
        if t_power(middle, abs(effect), ALPHA / max(tests, 1)) >= power:
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
def detectable_effect(n: int, tests: int = 1, power: float = POWER) -> float:
    """The smallest effect that the sign-flip test over ``n`` blocks finds with ``power`` at the first step of Holm.

    In standard deviations of the differences, which are taken as normal; infinite where it cannot reject. With few
    blocks p takes few values, which costs power beyond what the t test needs: up to ``MOST_EXACT`` blocks a seeded
    simulation of the test itself tells, above them the noncentral t.
    """
    if n < blocks_to_reject(tests):
        return math.inf
    alpha = ALPHA / max(tests, 1)
    if n > MOST_EXACT:
        return float(nctdtrinc(n - 1, 1 - power, stdtrit(n - 1, 1 - alpha / 2))) / math.sqrt(n)
    return float(np.quantile(_rejected_from(n, alpha), power))


def _rejected_from(n: int, alpha: float) -> NDArray[np.float64]:
    """For each of ``SAMPLES`` of standard normal noise (n,) the effect from which on the test rejects.

    The effect is added to all blocks. Flipping the signs of a set of blocks lowers the sum by twice the sum over that
    set. So that pattern is as extreme as the observed one as long as the effect is at most minus the mean of the noise
    over the set, and the test rejects once at most alpha / 2 of all patterns are, the observed one among them.
    """
    noise = np.random.default_rng(n).normal(size=(SAMPLES, n))
    sets = ((np.arange(1, 2**n)[:, None] >> np.arange(n)) & 1).astype(float)
    sets /= sets.sum(axis=1, keepdims=True)
    allowed = int(alpha / 2 * 2**n * (1 + 1e-9))
    parts = np.array_split(noise, -(-SAMPLES * len(sets) // MOST_VALUES))
    return np.concatenate([-np.partition(part @ sets.T, allowed - 1, axis=1)[:, allowed - 1] for part in parts])
