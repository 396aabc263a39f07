"""Ranks, how alike two orders are, and how far an order can be reproduced at all."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPLITS = 50


def ranks_of(values: Array) -> Array:
    """Ranks (..., rows), 1 for the highest value; equal ones share the mean of theirs."""
    n, order = values.shape[-1], np.argsort(values, axis=-1)
    ascending = np.take_along_axis(values, order, axis=-1)
    begins = np.ones(values.shape, dtype=bool)
    begins[..., 1:] = ascending[..., 1:] != ascending[..., :-1]
    # Equal values follow each other: how many stand below the first of them, and how many up to the last?
    place, ends = np.arange(n), np.roll(begins, -1, axis=-1)
    below = np.maximum.accumulate(np.where(begins, place, 0), axis=-1)
    up_to = np.minimum.accumulate(np.where(ends, place + 1, n)[..., ::-1], axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, n - (below + up_to - 1) / 2, axis=-1)
    return ranks


def rank_correlations(values: Array) -> Array:
    """Spearman's rank correlation of every two columns of ``values`` (..., columns, rows), (..., columns, columns).

    nan where all rows of a column are equal. Spearman's and not Kendall's, as it is a product-moment correlation, to
    which the Spearman-Brown formula applies.
    """
    ranks = ranks_of(values)
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = centred / np.sqrt((centred**2).sum(axis=-1, keepdims=True))
    return np.asarray(unit @ np.swapaxes(unit, -1, -2))


def reliabilities(scores: Array) -> Array:
    """How alike the orders of two repetitions of ``scores`` (columns, rows, blocks) would be, (columns,); 0 to 1.

    The order by the means of one half of the blocks is correlated with that of the other half, over ``SPLITS`` random
    splits, and the mean is carried over from half of the blocks to all of them (Spearman, 1910; Brown, 1910). A half in
    which all rows are equal has no order, so that none repeats: 0.
    """
    n = scores.shape[-1]
    half = n // 2
    rng = np.random.default_rng(0)
    orders = np.array([rng.permutation(n) for _ in range(SPLITS)])
    halves = np.stack([scores[..., orders[:, own]].mean(axis=-1) for own in (slice(half), slice(half, 2 * half))])
    # (halves, columns, rows, splits) -> (splits, columns, halves, rows)
    alike = np.nan_to_num(rank_correlations(np.moveaxis(halves, (3, 1, 0, 2), (0, 1, 2, 3)))[..., 0, 1]).mean(axis=0)
    # Of halves that contradict each other the formula has a pole.
    alike = np.clip(alike, 0.0, 1.0)
    longer = n / half
    return np.asarray(longer * alike / (1 + (longer - 1) * alike))
