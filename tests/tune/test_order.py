"""Orders before and after tuning: ranks, what replicates leave open of them, and how far they agree."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.tune.order import order_of

LEVELS = np.array([0.9, 0.8, 0.7, 0.6])


def noisy(levels: np.ndarray, size: float, replicates: int = 5, seed: int = 0) -> np.ndarray:
    return levels + np.random.default_rng(seed).normal(scale=size, size=(replicates, len(levels)))


def test_what_replicates_agree_on_is_certain_and_what_they_do_not_is_open() -> None:
    clear = order_of(noisy(LEVELS, 0.001), noisy(LEVELS[::-1], 0.001, seed=1), 1)
    assert clear.before.value.tolist() == clear.before.low.tolist() == clear.before.high.tolist() == [1, 2, 3, 4]
    assert clear.after.value.tolist() == [4, 3, 2, 1]
    assert clear.correlation == (-1, -1, -1)
    close = order_of(noisy(LEVELS, 0.3), noisy(LEVELS, 0.3, seed=1), 1)
    assert (close.before.high - close.before.low).max() >= 2
    assert (close.before.low <= close.before.value).all()
    assert (close.before.value <= close.before.high).all()


def test_lower_is_better_where_the_metric_says_so() -> None:
    order = order_of(noisy(LEVELS, 0.001), noisy(LEVELS, 0.001), -1)
    assert order.before.value.tolist() == [4, 3, 2, 1]


def test_the_correlation_is_spearmans() -> None:
    before, after = noisy(LEVELS, 0.2), noisy(LEVELS, 0.2, seed=3)
    expected = spearmanr(before.mean(axis=0), after.mean(axis=0)).statistic
    value, low, high = order_of(before, after, 1).correlation
    assert value == pytest.approx(expected)
    assert low <= value <= high


def test_shared_noise_of_a_replicate_does_not_blur_ranks() -> None:
    shared = np.random.default_rng(0).normal(scale=10, size=(5, 1))
    order = order_of(LEVELS + shared, LEVELS + shared, 1)
    assert (order.before.low == order.before.high).all()


def test_fusions_that_tie_share_their_ranks_and_two_replicates_infer_nothing() -> None:
    order = order_of(np.array([[0.5, 0.5, 0.4]] * 2), np.array([[0.1, 0.2, 0.3]] * 2), 1)
    assert order.before.value.tolist() == [1.5, 1.5, 3]
    assert np.isnan(order.before.low).all()
    assert np.isnan(order.correlation[1:]).all()
