import numpy as np
import pytest
from scipy import stats

from bench.records.blocks import Complete
from bench.verdicts.ranks import critical_difference, mean_ranks


def complete(values):
    blocks, fusions = values.shape
    return Complete(tuple(map(str, range(fusions))), tuple(("color", seed) for seed in range(blocks)), values)


def test_ranks_and_friedman_are_those_of_scipy_ties_included():
    values = np.random.default_rng(0).normal(0.9, 0.05, (12, 4)).round(2)
    found = mean_ranks(complete(values), 1)
    np.testing.assert_allclose(found.mean, stats.rankdata(-values, axis=1).mean(axis=0))
    assert found.p == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)
    np.testing.assert_allclose(mean_ranks(complete(-values), -1).mean, found.mean)


def test_the_critical_difference_is_that_of_the_tables_and_has_its_price():
    """Demsar, 2006, table 5a: q for 5 methods is 2.728."""
    assert critical_difference(5, 10) == pytest.approx(2.728 * np.sqrt(5 * 6 / 60), abs=2e-3)
    values = np.random.default_rng(0).normal(size=(10, 3))
    assert mean_ranks(complete(values), 1).critical_difference == pytest.approx(2.343 * np.sqrt(12 / 60), abs=2e-3)
    few = mean_ranks(complete(values[:9]), 1)
    assert few.critical_difference is None
    assert few.reason == "no critical difference: 9 blocks that all fusions finished, it takes 10"


@pytest.mark.parametrize("fusions", [2, 10, 70, 1000])
def test_the_critical_difference_is_that_of_scipy(fusions):
    quantile = stats.studentized_range.ppf(0.95, fusions, np.inf) / np.sqrt(2)
    expected = quantile * np.sqrt(fusions * (fusions + 1) / (6 * 12))
    assert critical_difference(fusions, 12) == pytest.approx(expected, rel=1e-5)


def test_what_cannot_be_ranked_is_not():
    assert np.isnan(mean_ranks(complete(np.ones((1, 3))), 1).p)
    assert mean_ranks(complete(np.ones((12, 3))), 1).p == 1
    assert np.isnan(mean_ranks(complete(np.empty((0, 2))), 1).mean).all()


def test_friedman_raises_a_false_alarm_in_five_percent():
    values = np.random.default_rng(2).normal(size=(1500, 9, 4)) + np.random.default_rng(3).normal(size=(1500, 9, 1))
    assert np.mean([mean_ranks(complete(sample), 1).p <= 0.05 for sample in values]) == pytest.approx(0.05, abs=0.018)
