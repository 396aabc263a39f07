"""Paired differences over shared blocks: their t interval and an exact sign-flip permutation test."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Array = NDArray[np.float64]

MOST_EXACT = 15
DRAWS = 19_999


@dataclass(frozen=True)
class Paired:
    """A mean paired difference.

    Attributes:
        n: blocks. mean: nan where n = 0.
        low, high: ends of the paired-t interval; nan where n < 2.
        p: two-sided, of the sign-flip permutation test; nan where n = 0. It cannot be below 2 / 2^n.
    """

    n: int
    mean: float
    low: float
    high: float
    p: float


def paired(differences: Array, confidence: float = 0.95) -> Paired:
    """Summarise ``differences`` (blocks,), which hold no nan."""
    n = len(differences)
    if n == 0:
        return Paired(0, np.nan, np.nan, np.nan, np.nan)
    mean = float(differences.mean())
    half = float(half_widths(differences, confidence))
    return Paired(n, mean, mean - half, mean + half, float(sign_flip_p(differences)))


def half_widths(differences: Array, confidence: float) -> Array:
    """Half widths (...,) of the t intervals of the means of ``differences`` (..., blocks); nan with fewer than two."""
    n = differences.shape[-1]
    if n < 2:
        return np.full(differences.shape[:-1], np.nan)
    spread = differences.std(axis=-1, ddof=1) / np.sqrt(n)
    return np.asarray(stdtrit(n - 1, (1 + confidence) / 2) * spread)


def sign_flip_p(differences: Array) -> Array:
    """Two-sided p values (...,) of the sign-flip permutation test of ``differences`` (..., blocks).

    Where a difference is as likely as its opposite, all 2^n patterns of signs are equally likely: p is the share of
    them whose sum is at least as far from 0 as the observed one (Fisher, 1935, The design of experiments). Above
    ``MOST_EXACT`` blocks ``DRAWS`` seeded patterns and the observed one stand in for all.
    """
    n = differences.shape[-1]
    sums = differences @ _signs(n).T
    # Sums that are equal on paper differ in their last digits.
    slack = 1e-12 * np.abs(differences).sum(axis=-1, keepdims=True)
    extreme = np.abs(sums) >= np.abs(differences.sum(axis=-1, keepdims=True)) - slack
    if n <= MOST_EXACT:
        return np.asarray(extreme.mean(axis=-1))
    return np.asarray((1 + extreme.sum(axis=-1)) / (1 + DRAWS))


@lru_cache(maxsize=8)
def _signs(n: int) -> Array:
    """Patterns of signs (patterns, n); for exact ones the first sign stays, as opposite patterns are equally far."""
    if n > MOST_EXACT:
        return np.random.default_rng(n).choice([-1.0, 1.0], size=(DRAWS, n))
    patterns = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)
    return np.where(patterns & 1, -1.0, 1.0)[:, ::-1]
