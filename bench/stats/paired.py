"""Paired differences over shared blocks: their t interval and t test, and a sign-flip permutation test beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from bench.stats.intervals import satterthwaite

Array = NDArray[np.float64]

MOST_EXACT = 15
DRAWS = 19_999


@dataclass(frozen=True)
class Shared:
    """What all blocks share and more of them do not average out, as the draw of one test set for all seeds.

    Attributes:
        variance: that it adds to a mean difference. freedom: its degrees of freedom; infinite where it is known.
    """

    variance: float
    freedom: float = math.inf


NOTHING = Shared(0.0)


@dataclass(frozen=True)
class Mean:
    """Mean differences, each array of one shape (...).

    Attributes:
        value: nan without blocks.
        error: its standard error, nan with fewer than two blocks. freedom: degrees of freedom of that.
    """

    value: Array
    error: Array
    freedom: Array

    def half_width(self, confidence: float) -> Array:
        """Half width of the two-sided t interval."""
        return np.asarray(stdtrit(self.freedom, (1 + confidence) / 2) * self.error)

    def p_apart(self) -> Array:
        """Two-sided p of the t test that the mean is 0."""
        return np.minimum(2 * _beyond(np.abs(self.value), self.error, self.freedom), 1.0)

    def p_within(self, margin: float) -> Array:
        """p of two one-sided t tests that the mean is at ``margin`` or beyond, on either side.

        Small where it surely lies within (Schuirmann, 1987, A comparison of the two one-sided tests procedure and the
        power approach).
        """
        return _beyond(margin - np.abs(self.value), self.error, self.freedom)


@dataclass(frozen=True)
class Paired:
    """One mean paired difference.

    Attributes:
        n: blocks. mean: nan where n = 0. sd: of the differences.
        error: standard error of the mean. freedom: degrees of freedom of that.
        low, high: ends of the t interval. p: two-sided, of the t test. All but ``n`` and ``mean`` are nan where n < 2.
    """

    n: int
    mean: float
    sd: float
    error: float
    freedom: float
    low: float
    high: float
    p: float

    @property
    def half_width(self) -> float:
        """Of the t interval."""
        return self.high - self.mean

    def p_within(self, margin: float) -> float:
        """p of two one-sided t tests, as :meth:`Mean.p_within`."""
        mean, error, freedom = map(np.asarray, (self.mean, self.error, self.freedom))
        return Mean(mean, error, freedom).p_within(margin).item()


def paired(differences: Array, confidence: float = 0.95, shared: Shared = NOTHING) -> Paired:
    """Summarise ``differences`` (blocks,), which hold no nan."""
    n, found = len(differences), mean_of(differences, shared)
    sd = float(differences.std(ddof=1)) if n > 1 else math.nan
    mean, error, freedom = found.value.item(), found.error.item(), found.freedom.item()
    half, p = found.half_width(confidence).item(), found.p_apart().item()
    return Paired(n, mean, sd, error, freedom, mean - half, mean + half, p)


def mean_of(differences: Array, shared: Shared = NOTHING) -> Mean:
    """Means of ``differences`` (..., blocks) with their errors.

    The variance of a mean is s²/n and what the blocks share, with the degrees of freedom of their sum.
    """
    n = differences.shape[-1]
    nan = np.full(differences.shape[:-1], np.nan)
    if n < 2:
        return Mean(differences[..., 0] if n else nan, nan, nan)
    own = differences.var(axis=-1, ddof=1) / n
    freedom = satterthwaite(own, np.full(own.shape, n - 1.0), shared.variance, shared.freedom)
    return Mean(np.asarray(differences.mean(axis=-1)), np.asarray(np.sqrt(own + shared.variance)), freedom)


def _beyond(distance: Array, error: Array, freedom: Array) -> Array:
    """Upper tail of t at ``distance`` from the mean; without any error that is surely beyond or surely not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = stdtr(freedom, -distance / error)
    return np.asarray(np.where(error == 0, np.where(distance > 0, 0.0, 1.0), tail))


def sign_flip_p(differences: Array) -> Array:
    """Two-sided p values (...,) of the sign-flip permutation test of ``differences`` (..., blocks).

    Where a difference is as likely as its opposite, all 2^n patterns of signs are equally likely: p is the share of
    them whose sum is at least as far from 0 as the observed one (Fisher, 1935, The design of experiments). It cannot be
    below 2 / 2^n. Above ``MOST_EXACT`` blocks ``DRAWS`` seeded patterns and the observed one stand in for all.
    """
    n = differences.shape[-1]
    sums = differences @ _signs(n).T
    # Sums that are equal on paper differ in their last digits.
    slack = 1e-12 * np.abs(differences).sum(axis=-1, keepdims=True)
    extreme = np.abs(sums) >= np.abs(differences.sum(axis=-1, keepdims=True)) - slack
    if n <= MOST_EXACT:
        return np.asarray(extreme.mean(axis=-1))
    return np.asarray((1 + extreme.sum(axis=-1)) / (1 + DRAWS))


def blocks_to_flip(tests: int, alpha: float) -> int:
    """Fewest blocks with which the sign-flip test can reject at all as one of ``tests`` under Holm."""
    return math.ceil(round(math.log2(2 * max(tests, 1) / alpha), 9))


@lru_cache(maxsize=8)
def _signs(n: int) -> Array:
    """Patterns of signs (patterns, n); for exact ones the first sign stays, as opposite patterns are equally far."""
    if n > MOST_EXACT:
        return np.random.default_rng(n).choice([-1.0, 1.0], size=(DRAWS, n))
    patterns = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)
    return np.where(patterns & 1, -1.0, 1.0)[:, ::-1]
