"""Labels kept apart."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.plots.style import broken, spread


@settings(deadline=None)  # the first call loads SciPy
@given(st.lists(st.floats(0, 1), max_size=8).map(sorted), st.floats(0.01, 0.3))
def test_labels_stand_a_gap_apart_and_around_where_they_belong(positions, gap):
    moved = spread(positions, gap)
    assert all(later - earlier >= gap - 1e-9 for earlier, later in itertools.pairwise(moved))
    assert sum(moved) == pytest.approx(sum(positions))


def test_labels_with_room_stay_where_they_are():
    assert spread([0.1, 0.5, 1.0], 0.05) == pytest.approx([0.1, 0.5, 1.0])


@given(st.text("abc:/=.", min_size=1, max_size=60), st.integers(3, 30))
def test_a_name_is_broken_into_lines_that_fit_and_nothing_is_lost(name, most):
    lines = broken(name, most)
    assert "".join(lines) == name
    assert max(map(len, lines)) <= most


def test_a_name_is_broken_between_its_parts():
    assert broken("folder:path=photos/list.csv:split=group", 18) == [
        "folder:",
        "path=photos/",
        "list.csv:",
        "split=group",
    ]
    assert broken("folder:path=photos/list.csv", 40) == ["folder:path=photos/list.csv"]
