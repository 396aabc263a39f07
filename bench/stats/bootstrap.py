"""Aggregates over tasks: interquartile means and performance profiles with a paired stratified bootstrap.

After Agarwal et al., 2021, Deep reinforcement learning at the edge of the statistical precipice; other than there, the
same seeds are drawn for all fusions, which share them, and residuals are widened for few seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bench.stats.intervals import LEVEL

Array = NDArray[np.float64]
Counts = NDArray[np.int32]
# Of one fusion: its runs (runs,), and how often each is in a sample (runs, samples) -> (samples, ...).
Statistic = Callable[[Array, Counts], Array]

DRAWS = 2000
FEWEST_BLOCKS = 5  # with fewer the interval is far too short


@dataclass(frozen=True)
class Interval:
    """A statistic with the ends of its bootstrap interval, all of one shape."""

    value: Array
    low: Array
    high: Array


def iqm(runs: Array, times: Counts) -> Array:
    """Interquartile mean (samples,): the lowest and the highest quarter of a sample left out.

    It hides fusions that fail in less than a quarter of their runs: read it beside the failure rate.
    """
    n, order = len(runs), np.argsort(runs)
    cut = n // 4
    # Of the sorted sample the places from cut to n - cut are kept: how many of them does each run take?
    # In place, and row by row: NumPy takes several times as long to sum over short columns.
    kept = times[order]
    for before, row in pairwise(kept):
        row += before
    np.clip(kept, cut, n - cut, out=kept)
    kept[1:] -= kept[:-1].copy()
    kept[0] -= cut
    return np.asarray(runs[order] @ kept / (n - 2 * cut))


def profile(thresholds: Array) -> Statistic:
    """The statistic that gives the share of runs above each of ``thresholds``, (samples, points)."""

    def shares_above(runs: Array, times: Counts) -> Array:
        above = (runs > thresholds[:, None]).astype(float)
        return np.asarray((above @ times).T / len(runs))

    return shares_above


def paired_bootstrap(scores: Array, statistic: Statistic, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Percentile interval of ``statistic`` of every fusion.

    Seeds are drawn with replacement within each task, the same ones for all fusions; tasks stay as they are. Residuals
    from the mean of a fusion on a task are widened by √(n / (n - 1)), without which intervals over few seeds are short.

    Args:
        scores: (fusions, tasks, seeds), complete.
    """
    fusions, tasks, seeds = scores.shape
    once = np.ones((tasks * seeds, 1), dtype=np.int32)
    value = np.stack([statistic(runs, once)[0] for runs in scores.reshape(fusions, -1)])
    if seeds < 2:
        return Interval(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    times = _times((tasks, seeds), draws, seed).T.astype(np.int32, order="C")
    found = np.stack([statistic(runs, times) for runs in widened(scores).reshape(fusions, -1)])
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return Interval(value, low, high)


def widened(values: Array) -> Array:
    """``values`` (..., blocks) with their residuals from the mean widened by √(n / (n - 1)) for n blocks."""
    n, centre = values.shape[-1], values.mean(axis=-1, keepdims=True)
    return np.asarray(centre + (values - centre) * np.sqrt(n / max(n - 1, 1)))


def resampled_means(values: Array, draws: int) -> Array:
    """Means of ``values`` (..., blocks) over blocks drawn with replacement, the same ones for all: (draws, ...)."""
    times = _times((1, values.shape[-1]), draws, seed=0)
    return np.moveaxis(values @ times.T / values.shape[-1], -1, 0)


def _times(shape: tuple[int, int], draws: int, seed: int) -> Array:
    """How often each run of a table (tasks, seeds) is drawn: (draws, tasks x seeds)."""
    tasks, seeds = shape
    drawn = np.random.default_rng(seed).integers(seeds, size=(draws, tasks, seeds))
    # Counted, not compared with every seed: that takes memory by the square of them.
    first = np.arange(0, draws * tasks * seeds, seeds).reshape(draws, tasks, 1)
    counts = np.bincount((first + drawn).ravel(), minlength=drawn.size)
    return np.asarray(counts.reshape(draws, -1), dtype=float)
