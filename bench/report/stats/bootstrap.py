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


def paired_bootstrap(scores: Array, statistic: Statistic, draws: int = DRAWS, seed: int = 0) -> Interval:
    """Percentile interval of ``statistic`` of every fusion.

    Seeds are drawn with replacement within each task, the same ones for all fusions; tasks stay as they are. Residuals
    from the mean of a fusion on a task are widened by √(n / (n - 1)), without which intervals over few seeds are short.

    Args:
        scores: (fusions, tasks, seeds), complete.
        statistic: (..., tasks, seeds) -> (..., any).
    """
    value = statistic(scores)
    if scores.shape[-1] < 2:
        return _without_interval(value)
    drawn = _drawn(scores.shape[1:], draws, seed)
    found = np.stack([statistic(runs.take(drawn)) for runs in _widened(scores)])
    return _interval(value, found)


def bootstrap_profile(scores: Array, thresholds: Array, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The share of runs above each of ``thresholds`` (fusions, points), with the interval of ``paired_bootstrap``.

    A share only depends on how often each run was drawn, which one product of matrices tells for all fusions.
    """
    _, tasks, seeds = scores.shape
    value = _above(scores, thresholds).mean(axis=1)
    if seeds < 2:
        return _without_interval(value)
    drawn = _drawn((tasks, seeds), draws, seed).reshape(draws, -1)
    times = np.zeros((draws, tasks * seeds))
    np.add.at(times, (np.arange(draws)[:, None], drawn), 1)
    found = times @ _above(_widened(scores), thresholds).astype(float) / (tasks * seeds)
    return _interval(value, found)


def _above(scores: Array, thresholds: Array) -> NDArray[np.bool_]:
    """Which runs are above each threshold: (fusions, tasks, seeds) -> (fusions, runs, points)."""
    return np.asarray(scores.reshape(len(scores), -1, 1) > thresholds)


def _widened(scores: Array) -> Array:
    seeds = scores.shape[-1]
    centre = scores.mean(axis=-1, keepdims=True)
    return np.asarray(centre + (scores - centre) * np.sqrt(seeds / (seeds - 1)))


def _drawn(shape: tuple[int, ...], draws: int, seed: int) -> NDArray[np.int64]:
    """Places (draws, tasks, seeds) of the drawn runs in a flattened table of ``shape`` (tasks, seeds)."""
    tasks, seeds = shape
    rng = np.random.default_rng(seed)
    return rng.integers(seeds, size=(draws, tasks, seeds)) + seeds * np.arange(tasks)[:, None]


def _interval(value: Array, found: Array) -> Interval:
    """From a statistic of every fusion and draw (fusions, draws, ...)."""
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1)
    return Interval(value, low, high)


def _without_interval(value: Array) -> Interval:
    return Interval(value, np.full(value.shape, np.nan), np.full(value.shape, np.nan))
