"""Means over seeds with their t intervals, and shares with theirs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

Array = NDArray[np.float64]

LEVEL = 0.95
FEWEST_SEEDS = 3  # fewer support no inference


@dataclass(frozen=True)
class Estimates:
    """Statistics over seeds of several quantities, all of one shape (...).

    Attributes:
        n: seeds with a value. mean: nan where n = 0.
        sd: sample standard deviation. half_width: of the ``LEVEL`` t interval of the mean. Both nan where n < 2.
    """

    n: NDArray[np.int64]
    mean: Array
    sd: Array
    half_width: Array

    def each(self) -> list[Estimates]:
        """Those of each place of the first axis."""
        return list(map(Estimates, self.n, self.mean, self.sd, self.half_width))


def estimate(values: Array, shared: Array | float = 0.0, freedom: Array | float = np.inf) -> Estimates:
    """Summarise ``values`` (seeds, ...); nan is a missing value.

    Args:
        shared: variance of each mean that all seeds share, with its degrees of ``freedom``.
    """
    present = ~np.isnan(values)
    n = present.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(present, values, 0.0).sum(axis=0) / n
        squares = (np.where(present, values - mean, 0.0) ** 2).sum(axis=0)
        sd = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
    return Estimates(n, mean, sd, half_width(sd, n, shared, freedom))


def rounded(variance: Array, blocks: NDArray[np.int64] | int, step: Array | float) -> Array:
    """Variances between blocks of values that lie ``step`` apart: never less than where one block is a step away from
    all others.

    Few rounded values are often equal by chance, which says nothing of how far others would be from them.
    """
    return np.asarray(np.maximum(variance, np.asarray(step) ** 2 / np.maximum(blocks, 1)))


def satterthwaite(own: Array, degrees: Array, shared: Array | float, freedom: Array | float = np.inf) -> Array:
    """Degrees of freedom of the variance ``own + shared`` of a mean, from those of its parts; ``degrees`` where nothing
    is shared.

    Satterthwaite, 1946, An approximate distribution of estimates of variance components.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        both = (own + shared) ** 2 / (own**2 / degrees + np.asarray(shared) ** 2 / freedom)
    return np.asarray(np.where(np.asarray(shared) == 0, degrees, both))


def half_width(sd: Array, n: NDArray[np.int64], shared: Array | float = 0.0, freedom: Array | float = np.inf) -> Array:
    """Half width of the two-sided t interval of a mean over ``n`` seeds; nan where n < 2.

    Args:
        shared: variance that all seeds share, with its degrees of ``freedom``.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        own, degrees = sd**2 / n, np.maximum(n - 1, 1)
        t = stdtrit(satterthwaite(own, degrees, shared, freedom), (1 + LEVEL) / 2)
        alone = np.asarray(shared) == 0
        return np.where(n > 1, np.where(alone, t * sd / np.sqrt(n), t * np.sqrt(own + shared)), np.nan)


def wilson(count: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Score interval of a share of ``count`` out of ``n`` > 0 (Wilson, 1927, Probable inference)."""
    share, z = count / n, float(ndtri((1 + level) / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)
