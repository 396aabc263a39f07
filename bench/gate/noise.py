"""Which drops are more than noise: the decision behind the quality tier, on numbers alone.

A run of the same code on the same machine repeats bit for bit, so every difference has a cause. Another machine or
library rounds otherwise, training then goes another way, and every score moves a little: that must not raise an alarm.
A cell is worse where one of two rules says so, each at half of ``LEVEL`` for the whole family (Holm):

- *interval*, from ``FEWEST`` shared seeds: a one-sided paired t test finds the mean drop larger than the margin. It
  assumes nothing about the size of the noise.
- *every seed*, from two shared seeds, where a t test has no power: each seed drops by more than the margin, and the
  mean drop is more than noise explains. The noise of one difference is not estimated from the cell's own two or three:
  it is the sampling error of two independent tests on that many pairs and the median spread of the differences over all
  cells of the sweep, added as variances. The median contains some sampling error, too: this errs on the side of noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, ndtr, stdtr

from bench.stats.intervals import rounded
from bench.stats.multiplicity import holm

Array = NDArray[np.float64]

LEVEL = 0.01
FEWEST = 5


def dropped(differences: Array, error: Array, step: Array, margin: float) -> NDArray[np.bool_]:
    """Which cells (cells,) dropped by more than noise and margin.

    Args:
        differences: new - base (cells, seeds), nan where a seed is not shared; higher is better.
        error: sampling error of one difference (cells,), 0 where unknown.
        step: how far apart neighbouring scores lie (cells,), 0 where they are not rounded.
        margin: drop that is of no interest, as a share.
    """
    n = (~np.isnan(differences)).sum(axis=1)
    mean = np.nansum(differences, axis=1) / n
    variance = _variance(differences, mean, n)
    spread = np.sqrt(rounded(variance, n, step))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(spread > 0, (mean + margin) * np.sqrt(n) / spread, np.copysign(np.inf, mean + margin))
        z = np.where(mean < 0, mean * np.sqrt(n) / np.hypot(error, _typical(np.sqrt(variance), n)), 0.0)
    by_interval = holm(np.where(n >= FEWEST, stdtr(np.maximum(n - 1, 1), t), np.nan).tolist())
    by_noise = holm(np.where(n >= 2, ndtr(z), np.nan).tolist())
    every_seed = ~(differences >= -margin).any(axis=1)
    return np.asarray((by_interval <= LEVEL / 2) | (every_seed & (by_noise <= LEVEL / 2)))


def _variance(differences: Array, mean: Array, n: NDArray[np.int64]) -> Array:
    """Sample variance of each cell's differences; 0 with a single one."""
    squares = np.nansum((differences - mean[:, None]) ** 2, axis=1)
    return np.asarray(squares / np.maximum(n - 1, 1))


def _typical(spread: Array, n: NDArray[np.int64]) -> float:
    """Median of the cells' standard deviations, each corrected for the median of its chi-squared distribution.

    A median, so that one broken cell does not excuse the others.
    """
    several = n >= 2
    if not several.any():
        return 0.0
    degrees = n[several] - 1
    return float(np.median(spread[several] * np.sqrt(degrees / chdtri(degrees, 0.5))))
