"""The Pareto front against its definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.plots.pareto import pareto_front

LEVELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12)


@given(LEVELS)
def test_on_the_front_is_who_nobody_beats(points):
    gain, cost = (np.array([point[side] for point in points], dtype=float) for side in (0, 1))
    expected = [
        not any(g >= own_g and c <= own_c and (g > own_g or c < own_c) for g, c in points) for own_g, own_c in points
    ]
    assert pareto_front(gain, cost).tolist() == expected


def test_a_point_without_a_value_is_on_no_front_and_hides_nobody():
    front = pareto_front(np.array([np.nan, 0.9, 0.8]), np.array([1.0, 3.0, np.nan]))
    assert front.tolist() == [False, True, False]
