"""The Pareto front: who is not beaten on both of two quantities."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def pareto_front(gain: Array, cost: Array) -> NDArray[np.bool_]:
    """Which points no other point beats: none has at least the gain at most the cost, and one of the two strictly.

    Args:
        gain, cost: (points,) more is better, less is better; a point with a nan is on no front.
    """
    known = ~(np.isnan(gain) | np.isnan(cost))
    front = np.zeros(len(gain), dtype=bool)
    best_gain, cost_there = -np.inf, np.nan
    for at in np.lexsort((-gain, cost)):
        is_twin = gain[at] == best_gain and cost[at] == cost_there
        if known[at] and (gain[at] > best_gain or is_twin):
            front[at] = True
            best_gain, cost_there = gain[at], cost[at]
    return front


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Sorted positions at least ``gap`` apart, moved by as little as possible in the sense of least squares."""
    from scipy.optimize import isotonic_regression  # slow to load

    if not positions:
        return []
    steps = gap * np.arange(len(positions))
    return list((isotonic_regression(np.asarray(positions, dtype=float) - steps).x + steps).tolist())
