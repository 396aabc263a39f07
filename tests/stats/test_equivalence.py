import numpy as np
import pytest
from scipy import stats

from bench.stats.equivalence import equivalence_p


def test_it_is_the_larger_of_two_one_sided_t_tests():
    values = np.random.default_rng(0).normal(0.004, 0.006, 7)
    below = stats.ttest_1samp(values, 0.01, alternative="less").pvalue
    above = stats.ttest_1samp(values, -0.01, alternative="greater").pvalue
    assert float(equivalence_p(values, 0.01)) == pytest.approx(max(below, above))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_a_difference_as_large_as_the_margin_passes_for_equivalent_in_five_percent(n):
    values = np.random.default_rng(n).normal(0.01, 0.004, (20_000, n))
    assert np.mean(equivalence_p(values, 0.01) <= 0.05) == pytest.approx(0.05, abs=0.006)


def test_without_spread_the_mean_decides():
    assert equivalence_p(np.full(5, 0.009), 0.01) == 0
    assert equivalence_p(np.full(5, 0.02), 0.01) == 1
    assert np.isnan(equivalence_p(np.array([0.0]), 0.01))
