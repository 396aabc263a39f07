"""Paired differences over shared blocks: their t interval and t test, and a sign-flip permutation test beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

from bench.stats.intervals import rounded, satterthwaite

Array = NDArray[np.float64]

MOST_EXACT = 15
DRAWS = 19_999
PART = 64


@dataclass(frozen=True)
class Shared:
    """What all blocks share and more of them do not average out, as the draw of one test set for all seeds.

    Attributes:
        variance: that it adds to a mean difference, or to each of several. freedom: its degrees of freedom; infinite
            where it is known.
        step: how far apart neighbouring values of a block are; 0 where they lie anywhere.
    """

    variance: Array | float
    freedom: Array | float = math.inf
    step: Array | float = 0.0


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
        n: blocks. mean: nan where n = 0. sd: of the differences, as :func:`bench.stats.intervals.rounded` has it.
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


def paired(differences: Array, confidence: float = 0.95, shared: Shared = NOTHING) -> Paired:
    """Summarise ``differences`` (blocks,), which hold no nan."""
    return all_paired([differences], [shared], confidence)[0]


def all_paired(differences: Sequence[Array], shared: Sequence[Shared], confidence: float = 0.95) -> list[Paired]:
    """:func:`paired` of each of ``differences`` with what its blocks share; those of as many blocks in one go."""
    found: dict[int, Paired] = {}
    for places, values in _by_blocks(differences):
        own = np.array([(one.variance, one.freedom, one.step) for one in map(shared.__getitem__, places)]).T
        found |= zip(places, _rows_paired(values, Shared(*own), confidence), strict=True)
    return [found[place] for place in range(len(differences))]


def _rows_paired(differences: Array, shared: Shared, confidence: float) -> list[Paired]:
    """Of ``differences`` (means, blocks)."""
    n, found = differences.shape[1], mean_of(differences, shared)
    spread = differences.var(axis=1, ddof=1) if n > 1 else np.full(len(differences), np.nan)
    sd = np.sqrt(rounded(spread, n, shared.step))
    half = found.half_width(confidence)
    ends = found.value - half, found.value + half
    columns = found.value, sd, found.error, found.freedom, *ends, found.p_apart()
    return [Paired(n, *row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def all_within(means: Sequence[Paired], margin: float) -> Array:
    """p of two one-sided t tests for each of ``means``, as :meth:`Mean.p_within`."""
    value, error, freedom = np.array([(mean.mean, mean.error, mean.freedom) for mean in means]).reshape(-1, 3).T
    return Mean(value, error, freedom).p_within(margin)


def mean_of(differences: Array, shared: Shared = NOTHING) -> Mean:
    """Means of ``differences`` (..., blocks) with their errors.

    The variance of a mean is s²/n and what the blocks share, with the degrees of freedom of their sum; see
    :func:`bench.stats.intervals.rounded` for s².
    """
    n = differences.shape[-1]
    nan = np.full(differences.shape[:-1], np.nan)
    if n < 2:
        return Mean(differences[..., 0] if n else nan, nan, nan)
    own = rounded(differences.var(axis=-1, ddof=1), n, shared.step) / n
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


def all_sign_flip_p(differences: Sequence[Array]) -> list[float]:
    """:func:`sign_flip_p` of each of ``differences`` (blocks,)."""
    found: dict[int, float] = {}
    for places, values in _by_blocks(differences):
        # In parts, as there may be many patterns.
        parts = [sign_flip_p(values[start : start + PART]) for start in range(0, len(values), PART)]
        found |= zip(places, np.concatenate(parts).tolist(), strict=True)
    return [found[place] for place in range(len(differences))]


def _by_blocks(differences: Sequence[Array]) -> Iterator[tuple[list[int], Array]]:
    """Those over as many blocks together, (rows, blocks), with the places that they stand at."""
    blocks = np.array([len(own) for own in differences])
    for n in np.unique(blocks):
        places = np.flatnonzero(blocks == n).tolist()
        yield places, np.stack([differences[place] for place in places])


def blocks_to_flip(tests: int, alpha: float) -> float:
    """Fewest blocks with which the sign-flip test can reject at all as one of ``tests`` under Holm; infinite where
    ``DRAWS`` patterns are too few for so many tests."""
    blocks = math.ceil(round(math.log2(2 * max(tests, 1) / alpha), 9))
    return blocks if blocks <= MOST_EXACT or max(tests, 1) / (1 + DRAWS) <= alpha else math.inf


@lru_cache(maxsize=8)
def _signs(n: int) -> Array:
    """Patterns of signs (patterns, n); for exact ones the first sign stays, as opposite patterns are equally far."""
    if n > MOST_EXACT:
        return np.random.default_rng(n).choice([-1.0, 1.0], size=(DRAWS, n))
    patterns = np.arange(2 ** (n - 1))[:, None] >> np.arange(n)
    return np.where(patterns & 1, -1.0, 1.0)[:, ::-1]
