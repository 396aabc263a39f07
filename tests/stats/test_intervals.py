import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.stats.intervals import estimate, wilson


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_interval_is_the_t_interval_of_scipy(n):
    values = np.random.default_rng(n).normal(0.9, 0.02, (n, 4))
    found = estimate(values)
    low, high = stats.t.interval(0.95, n - 1, loc=values.mean(0), scale=stats.sem(values))
    np.testing.assert_allclose(found.mean - found.half_width, low)
    np.testing.assert_allclose(found.mean + found.half_width, high)
    np.testing.assert_allclose(found.sd, values.std(0, ddof=1))


def test_one_seed_has_a_mean_and_no_interval():
    found = estimate(np.array([[0.9, 0.8]]))
    assert found.mean.tolist() == [0.9, 0.8]
    assert np.isnan(found.half_width).all()
    assert np.isnan(found.sd).all()


def test_missing_values_count_per_quantity():
    found = estimate(np.array([[0.9, np.nan], [0.8, np.nan], [np.nan, 0.3]]))
    assert found.n.tolist() == [2, 1]
    assert found.mean == pytest.approx([0.85, 0.3])
    assert found.half_width[0] == pytest.approx(stats.t.ppf(0.975, 1) * stats.sem([0.9, 0.8]))
    assert np.isnan(found.half_width[1])


def test_nothing_at_all_is_nan():
    assert np.isnan(estimate(np.full((2, 1), np.nan)).mean).all()


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    for n in (3, 5, 10):
        found = estimate(rng.normal(0.9, 0.05, (n, 20_000)))
        covered = np.abs(found.mean - 0.9) <= found.half_width
        assert covered.mean() == pytest.approx(0.95, abs=0.006)


@given(st.integers(1, 40_000), st.floats(0, 1), st.sampled_from([0.95, 0.999]))
def test_the_interval_of_a_share_is_wilsons(n, share, level):
    count = round(share * n)
    expected = stats.binomtest(count, n).proportion_ci(level, method="wilson")
    assert wilson(count, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)
