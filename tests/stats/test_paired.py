import itertools

import numpy as np
import pytest
from scipy import stats

from bench.stats.paired import half_widths, paired, sign_flip_p


@pytest.mark.parametrize("n", [2, 5, 9])
def test_the_permutation_p_is_that_of_every_pattern_of_signs(n):
    values = np.random.default_rng(n).normal(0.5, 1, n).round(1)
    sums = [abs(np.dot(signs, values)) for signs in itertools.product((-1, 1), repeat=n)]
    assert paired(values).p == np.mean(np.array(sums) >= abs(values.sum()) - 1e-9)


def test_the_interval_is_that_of_scipy():
    first, second = np.random.default_rng(0).normal([[0.9], [0.88]], 0.01, (2, 8))
    found = paired(first - second, confidence=0.9)
    expected = stats.ttest_rel(first, second).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.n, found.mean) == (8, pytest.approx((first - second).mean()))


def test_beyond_the_exact_range_p_is_close_to_scipys_and_always_the_same():
    values = np.random.default_rng(1).normal(0.3, 1, 40)
    own = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=20_000, rng=3)
    assert paired(values).p == pytest.approx(own.pvalue, abs=0.01)
    assert paired(values) == paired(values)


@pytest.mark.parametrize("n", [5, 6, 16, 200])
def test_no_pattern_is_more_extreme_than_all_differences_alike(n):
    smallest = 2 / 2**n if n <= 15 else 1 / 20_000
    assert paired(np.full(n, 0.1)).p == pytest.approx(smallest, abs=1e-4)


def test_no_difference_at_all_is_no_evidence():
    assert paired(np.zeros(7)).p == 1


def test_one_block_has_no_interval_and_none_has_nothing():
    one, none = paired(np.array([0.1])), paired(np.array([]))
    assert (one.n, one.mean, one.p) == (1, 0.1, 1)
    assert np.isnan([one.low, one.high, none.mean, none.low, none.p]).all()


@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_paired_interval_covers_the_true_difference(n):
    rng = np.random.default_rng(n)
    shared = rng.normal(0, 0.05, (20_000, n))
    differences = (0.92 + shared + rng.normal(0, 0.02, shared.shape)) - (
        0.9 + shared + rng.normal(0, 0.01, shared.shape)
    )
    covered = np.abs(differences.mean(axis=1) - 0.02) <= half_widths(differences, 0.95)
    assert covered.mean() == pytest.approx(0.95, abs=0.006)


@pytest.mark.parametrize(("n", "size"), [(5, 0.0), (6, 2 / 64), (8, 12 / 256), (10, 0.05), (20, 0.05)])
def test_the_test_rejects_a_true_null_as_often_as_it_says(n, size):
    """With few blocks p takes few values: the size is the largest of them below 5 %."""
    differences = np.random.default_rng(n).standard_t(5, (1000 if n > 15 else 10_000, n))
    assert np.mean(sign_flip_p(differences) <= 0.05) == pytest.approx(size, abs=0.02 if n > 15 else 0.007)
