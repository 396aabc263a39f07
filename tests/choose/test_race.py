"""Who stays in a race: recomputed with SciPy, whatever the order, and the best one is kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.choose.race import ALPHA, FIRST_LOOK, all_equivalent, level, surely_worse


def scores(seed: int, replicates: int, fusions: int, scale: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(replicates, fusions)) + scale * rng.normal(size=fusions) + rng.normal(size=(replicates, 1))


def test_all_looks_together_spend_what_there_is() -> None:
    spent = sum(level(n) for n in range(1, 10_000))
    assert 0.999 * ALPHA < spent < ALPHA
    assert [level(n) for n in range(FIRST_LOOK)] == [0] * FIRST_LOOK


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(FIRST_LOOK, 12), st.integers(2, 6), st.sampled_from([1, -1]))
def test_who_is_worse_is_what_scipy_says(seed: int, replicates: int, fusions: int, direction: int) -> None:
    values = scores(seed, replicates, fusions, scale=5)
    spends = level(replicates) / (7 - 1)
    side = "greater" if direction > 0 else "less"
    expected = [
        any(
            stats.ttest_rel(values[:, other], values[:, one], alternative=side).pvalue < spends
            for other in range(fusions)
            if other != one
        )
        for one in range(fusions)
    ]
    assert surely_worse(values, 7, direction).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(FIRST_LOOK, 12), st.integers(2, 6))
def test_someone_always_stays_and_the_order_is_no_matter(seed: int, replicates: int, fusions: int) -> None:
    values = scores(seed, replicates, fusions, scale=5)
    out = surely_worse(values, fusions, 1)
    assert not out.all()
    assert not out[values.mean(axis=0).argmax()]
    order = np.random.default_rng(seed).permutation(fusions)
    assert surely_worse(values[:, order], fusions, 1).tolist() == out[order].tolist()
    assert surely_worse(-values, fusions, -1).tolist() == out.tolist()
    batch = np.stack([values, values[:, order]])
    assert surely_worse(batch, fusions, 1).tolist() == [out.tolist(), out[order].tolist()]


def test_who_has_left_beats_nobody() -> None:
    values = scores(0, 6, 3, scale=0) + np.array([20, 10, 0])
    assert surely_worse(values, 3, 1).tolist() == [False, True, True]
    values[:, 0] = np.nan
    assert surely_worse(values, 3, 1).tolist() == [False, False, True]
    values[:, 1] = np.nan
    assert surely_worse(values, 3, 1).tolist() == [False, False, False]


def test_equal_scores_are_no_lead_and_a_constant_one_is() -> None:
    alike = np.repeat(scores(0, 5, 1), 3, axis=1)
    assert not surely_worse(alike, 3, 1).any()
    assert surely_worse(np.tile([0.9, 0.5], (5, 1)), 2, 1).tolist() == [False, True]


def test_the_best_is_lost_in_less_than_one_race_in_twenty() -> None:
    values = np.random.default_rng(1).normal(size=(400, 14, 8))
    for n in range(FIRST_LOOK, 15):
        out = surely_worse(values[:, :n], 8, 1)
        values[np.broadcast_to(out[:, None, :], values.shape)] = np.nan
    lost = int(np.isnan(values[:, -1, 0]).sum())
    assert stats.binom.sf(lost - 1, 400, ALPHA) > 1e-4


@pytest.mark.parametrize(("gap", "is_one"), [(0.0, True), (0.02, False)])
def test_equivalent_is_what_two_tests_of_every_pair_say(gap: float, is_one: bool) -> None:
    values = 0.9 + 0.001 * scores(3, 8, 3, scale=0) + np.array([0, 0, gap])
    margin, found = 0.01, []
    for one, other in ((0, 1), (0, 2), (1, 2)):
        differences = values[:, one] - values[:, other]
        above = stats.ttest_1samp(differences, -margin, alternative="greater").pvalue
        below = stats.ttest_1samp(differences, margin, alternative="less").pvalue
        found.append(max(above, below) <= level(8))
    assert all(found) == is_one
    assert all_equivalent(values, margin) == is_one
    assert all_equivalent(values[:, :1], margin)
    assert not all_equivalent(values[:2], 1.0)
