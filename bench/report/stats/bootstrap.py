"""Aggregates over tasks: interquartile means and performance profiles with a paired stratified bootstrap.

After Agarwal et al., 2021, Deep reinforcement learning at the edge of the statistical precipice; other than there, the
same seeds are drawn for all fusions, which share them, and residuals are widened for few seeds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report.intervals import LEVEL

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]

DRAWS = 2000


@dataclass(frozen=True)
class Interval:
    """A statistic with the ends of its bootstrap interval, all of one shape."""

    value: Array
    low: Array
    high: Array


def iqm(scores: Array) -> Array:
    """Interquartile mean of ``scores`` (..., tasks, seeds): the lowest and the highest quarter of runs left out.

    It hides fusions that fail in less than a quarter of their runs: read it beside the failure rate.
    """
    runs = np.sort(scores.reshape(*scores.shape[:-2], -1), axis=-1)
    cut = runs.shape[-1] // 4
    return np.asarray(runs[..., cut : runs.shape[-1] - cut].mean(axis=-1))


def profile(thresholds: Array) -> Statistic:
    """The statistic that gives the share of runs above each of ``thresholds``: (..., tasks, seeds) -> (..., points)."""

    def share_above(scores: Array) -> Array:
        return np.asarray((scores[..., None] > thresholds).mean(axis=(-3, -2)))

    return share_above


def paired_bootstrap(scores: Array, statistic: Statistic, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Percentile interval of ``statistic`` of every fusion.

    Seeds are drawn with replacement within each task, the same ones for all fusions; tasks stay as they are. Residuals
    from the mean of a fusion on a task are widened by √(n / (n - 1)), without which intervals over few seeds are short.

    Args:
        scores: (fusions, tasks, seeds), complete.
        statistic: (..., tasks, seeds) -> (..., any).
    """
    _, tasks, seeds = scores.shape
    value = statistic(scores)
    if seeds < 2:
        return Interval(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
    centre = scores.mean(axis=-1, keepdims=True)
    widened = centre + (scores - centre) * np.sqrt(seeds / (seeds - 1))
    rng = np.random.default_rng(seed)
    drawn = rng.integers(seeds, size=(draws, tasks, seeds))
    found = np.stack([statistic(np.take_along_axis(fusion[None], drawn, axis=-1)) for fusion in widened])
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return Interval(value, low, high)
