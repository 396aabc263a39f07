import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.stats.ranking import rank_correlations, ranks_of, reliabilities


@given(st.integers(0, 10_000), st.integers(3, 12))
def test_ranks_and_correlations_are_scipys_ties_included(seed, rows):
    values = np.random.default_rng(seed).normal(0, 1, (3, rows)).round(1)
    np.testing.assert_array_equal(ranks_of(values[0]), stats.rankdata(-values[0]))
    if (np.ptp(values, axis=1) > 0).all():
        np.testing.assert_allclose(rank_correlations(values), stats.spearmanr(values, axis=1).statistic, atol=1e-12)


def test_an_order_of_equals_correlates_with_nothing():
    assert np.isnan(rank_correlations(np.array([[1.0, 2, 3], [5, 5, 5]]))[0, 1])


@pytest.mark.parametrize(("n", "noise"), [(4, 0.5), (7, 1.0), (10, 3.0)])
def test_the_reliability_is_the_correlation_of_two_repetitions(n, noise):
    rng, rows = np.random.default_rng(n), 2000
    level = rng.normal(0, 1, (1, rows, 1))
    found = reliabilities(level + rng.normal(0, noise, (1, rows, n)))[0]
    again = [level[0, :, 0] + rng.normal(0, noise, (rows, n)).mean(axis=1) for _ in range(2)]
    assert found == pytest.approx(stats.spearmanr(*again).statistic, abs=0.04)


def test_noise_alone_repeats_no_order():
    noise = np.random.default_rng(0).normal(size=(1, 400, 6))
    assert reliabilities(noise)[0] < 0.15


@pytest.mark.parametrize("n", [3, 7])
def test_an_order_that_contradicts_itself_repeats_nothing(n):
    """Carried over to the odd number of blocks, a negative correlation of the halves would pass through a pole."""
    noise = np.random.default_rng(0).normal(size=(40, 3, n))
    halves = np.full(40, np.nan)
    for column, own in enumerate(noise):
        rng = np.random.default_rng(0)
        parts = [np.split(own[:, rng.permutation(n)][:, : n // 2 * 2], 2, axis=1) for _ in range(50)]
        halves[column] = np.mean([stats.spearmanr(*(part.mean(axis=1) for part in pair)).statistic for pair in parts])
    found = reliabilities(noise)
    assert (halves < 0).sum() > 3
    assert (found[halves < 0] == 0).all()
    assert (found[halves > 0] > 0).all()
