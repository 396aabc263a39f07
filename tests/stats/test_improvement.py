import numpy as np
import pytest
from scipy import stats

from bench.stats.improvement import improvement, share_of


@pytest.mark.parametrize(("count", "n"), [(0, 5), (3, 10), (20, 20)])
def test_the_interval_is_wilsons(count, n):
    expected = stats.binomtest(count, n).proportion_ci(0.95, method="wilson")
    found = share_of(count, n)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_ties_count_half_and_direction_turns_it_round():
    differences = np.array([0.1, 0.2, 0.0, -0.1])
    assert improvement(differences, 1).share == 2.5 / 4
    assert improvement(differences, -1).share == 1.5 / 4
    assert np.isnan(improvement(np.array([]), 1).share)
