import math

import numpy as np
import pytest

from bench.stats.multiplicity import holm
from bench.stats.paired import sign_flip_p


def test_the_worked_example():
    """0.01 * 4, 0.013 * 3 raised to it, 0.03 * 2, and 0.04 raised to that."""
    assert holm([0.04, 0.01, 0.03, 0.013]) == pytest.approx([0.06, 0.04, 0.06, 0.04])


def test_adjusted_values_stop_at_one_and_a_test_not_made_does_not_count():
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert holm([0.02, math.nan, 0.5])[[0, 2]] == pytest.approx([0.04, 0.5])
    assert math.isnan(holm([0.02, math.nan])[1])
    assert holm([]).shape == (0,)


def test_rejections_are_those_of_the_stepwise_procedure():
    rng = np.random.default_rng(0)
    for p in rng.beta(0.3, 3, (200, 8)):
        rejected = set()
        for step, index in enumerate(np.argsort(p)):
            if p[index] > 0.05 / (8 - step):
                break
            rejected.add(index)
        assert set(np.flatnonzero(holm(p) <= 0.05)) == rejected


def test_the_family_has_a_false_alarm_in_at_most_five_percent():
    """Twenty correlated comparisons, five of which are real: the other fifteen share the error."""
    rng = np.random.default_rng(1)
    uniform = rng.uniform(size=(4000, 20))
    uniform[:, :5] *= 1e-6
    false_alarm = [(holm(p)[5:] <= 0.05).any() for p in uniform]
    assert np.mean(false_alarm) == pytest.approx(0.05, abs=0.01)
    assert np.mean((uniform[:, 5:] <= 0.05).any(axis=1)) > 0.5


def test_a_table_of_equals_compared_with_one_baseline_rarely_has_a_winner():
    """Six fusions over ten seeds that all share; the differences are correlated, as the baseline is in each of them."""
    rng = np.random.default_rng(2)
    scores = rng.normal(0, 0.02, (1500, 1, 10)) + rng.normal(0, 0.01, (1500, 7, 10))
    p = sign_flip_p(scores[:, 1:] - scores[:, :1])
    false_alarms = np.mean([(holm(table) <= 0.05).any() for table in p])
    assert 0.01 < false_alarms < 0.06
