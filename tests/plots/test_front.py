"""The Pareto front against its definition, and labels kept apart."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plots.front import pareto_front, spread

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


@settings(deadline=None)  # the first call loads SciPy
@given(st.lists(st.floats(0, 1), max_size=8).map(sorted), st.floats(0.01, 0.3))
def test_labels_stand_a_gap_apart_and_around_where_they_belong(positions, gap):
    moved = spread(positions, gap)
    assert all(later - earlier >= gap - 1e-9 for earlier, later in itertools.pairwise(moved))
    assert sum(moved) == pytest.approx(sum(positions))


def test_labels_with_room_stay_where_they_are():
    assert spread([0.1, 0.5, 1.0], 0.05) == pytest.approx([0.1, 0.5, 1.0])
