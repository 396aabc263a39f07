"""Variance components: how much of the spread of a complete table comes from each of its factors and how they meet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Source = tuple[str, ...]


def variance_components(values: Array, factors: Sequence[str]) -> dict[Source, float]:
    """Variances by source: every factor and every combination of factors, the one of all being what is left.

    All factors count as random; mean squares are set equal to what they are on average (Henderson's method for a
    complete table, the analysis of variance). What chance adds to a source is taken off, so one that is not there is
    around 0 and may come out below it.

    Args:
        values: one axis of at least two levels for each of ``factors``.
    """
    axes = range(values.ndim)
    found: dict[Source, float] = {}
    for size in range(values.ndim, 0, -1):
        for own in combinations(axes, size):
            others = tuple(axis for axis in axes if axis not in own)
            effect = values.mean(axis=others, keepdims=True)
            for axis in own:
                effect = effect - effect.mean(axis=axis, keepdims=True)
            freedom = np.prod([values.shape[axis] - 1 for axis in own])
            repeats = _levels(values, others)
            square = repeats * (effect**2).sum() / freedom
            source = tuple(factors[axis] for axis in own)
            above = sum(
                _levels(values, [axis for axis in axes if factors[axis] not in wider]) * variance
                for wider, variance in found.items()
                if set(source) < set(wider)
            )
            found[source] = float((square - above) / repeats)
    return found


def _levels(values: Array, axes: Sequence[int]) -> int:
    """How many cells of the table agree in all but ``axes``."""
    return int(np.prod([values.shape[axis] for axis in axes], dtype=int))
