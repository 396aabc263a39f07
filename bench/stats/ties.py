"""Tie groups: who cannot be told to be worse than the best."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from bench.stats.intervals import rounded, satterthwaite
from bench.stats.paired import Shared

Array = NDArray[np.float64]
Marks = NDArray[np.bool_]
Rows = NDArray[np.intp]

ALPHA = 0.05
# Means that are equal on paper differ in their last digits.
SLACK = 1e-12
PART = 64  # stays in the cache of a processor


def tie_group(
    values: Array, direction: int, shared: Array | float = 0.0, freedom: Array | float = np.inf, step: float = 0.0
) -> Marks:
    """Which rows belong to the best: a set that holds the truly best one with a confidence of at least 95 %.

    One belongs unless another beats it in a one-sided paired t test over the blocks that both have, at 5 % / (k - 1)
    for k rows with a value: then the best is lost in at most 5 %, whatever the dependence (Bonferroni). So sets for
    ranks are built by Mogstad, Romano, Shaikh and Wilhelm, 2023, Inference for ranks with applications to mobility
    across neighbourhoods and academic achievement across countries. Of a row with a single block nothing can be
    tested: it belongs where no mean is better than its value.

    Args:
        values: (blocks, rows) nan where a row lacks a block.
        direction: +1 if higher is better, -1 if lower is better, 0 if neither (then nobody is best).
        shared: variance of a mean difference that all blocks share, (rows, rows) or one for all, with its degrees of
            ``freedom``.
        step: how far apart neighbouring values are, as in :func:`bench.stats.intervals.rounded`.
    """
    own = ~np.isnan(values)
    blocks = own.sum(axis=0)
    if not direction or not blocks.any():
        return np.zeros(len(blocks), dtype=bool)
    filled = np.where(own, values * direction, 0.0)
    level = filled.sum(axis=0) / np.maximum(blocks, 1)
    # What all rows of a block have in common cancels: without it fewer digits are lost below.
    filled -= own * (filled.sum(axis=1, keepdims=True) / np.maximum(own.sum(axis=1, keepdims=True), 1))
    alpha = ALPHA / max(int(np.count_nonzero(blocks)) - 1, 1)
    common = np.broadcast_to(shared, (len(blocks), len(blocks)))
    mask = own.astype(float)

    def are_beaten(rows: Rows, rivals: Rows) -> Marks:
        n, lead, variance = _leads(filled, mask, rivals, rows)
        variance = rounded(variance, n, step)
        between = common[np.ix_(rivals, rows)]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = lead / np.sqrt(variance / n + between)
        beats = (n > 1) & (lead > SLACK) & (t > _critical(n, variance, Shared(between, freedom), alpha))
        is_untested = (n < 2) & (blocks[rivals] > 0)[:, None] & (blocks[rows] == 1)
        beats |= is_untested & (level[rivals][:, None] > level[rows] + SLACK)
        return np.asarray(beats.any(axis=0))

    every = np.argsort(np.where(blocks > 0, -level, np.inf), kind="stable")
    beaten = blocks == 0
    # Products of matrices that are thin: on busy cores threads wait for each other far longer than they work.
    with _blas().limit(limits=1, user_api="blas"):
        # The best few beat nearly all that anybody beats; who is left meets everybody who may be ahead.
        beaten |= are_beaten(np.arange(len(blocks)), every[:PART])
        left = every[~beaten[every]]
        for part in (left[start : start + PART] for start in range(0, len(left), PART)):
            worst = len(every) if not own.all() else int(np.flatnonzero(every == part[-1])[0])
            beaten[part] |= are_beaten(part, every[PART:worst])
    return np.asarray(~beaten)


@cache
def _blas() -> ThreadpoolController:
    """Kept, as it looks for the libraries that are loaded."""
    return ThreadpoolController()


def _leads(filled: Array, mask: Array, rivals: Rows, rows: Rows) -> tuple[NDArray[np.int64], Array, Array]:
    """Of rivals over rows, over the blocks that both have: their number, the mean lead and its variance between blocks,
    (rivals, rows) each; nan with too few blocks.

    Args:
        filled: (blocks, rows), 0 where ``mask`` is 0.
    """
    theirs, there, own, seen = filled[:, rivals], mask[:, rivals], filled[:, rows], mask[:, rows]
    n = there.T @ seen
    with np.errstate(divide="ignore", invalid="ignore"):
        lead = (theirs.T @ seen - there.T @ own) / n
        squares = (theirs**2).T @ seen + there.T @ own**2 - 2 * (theirs.T @ own)
        variance = np.where(n > 1, np.maximum(squares - n * lead**2, 0.0) / (n - 1), np.nan)
    return n.astype(np.int64), lead, variance


def _critical(n: NDArray[np.int64], variance: Array, shared: Shared, alpha: float) -> Array:
    """What t has to exceed."""
    if not np.any(shared.variance):
        by_blocks = stdtrit(np.maximum(np.arange(n.max(initial=0) + 1) - 1, 1), 1 - alpha)
        return np.asarray(by_blocks[n])
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = satterthwaite(variance / n, (n - 1).astype(np.float64), shared.variance, shared.freedom)
    return np.asarray(stdtrit(freedom, 1 - alpha))
