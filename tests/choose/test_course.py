"""The course of a race, told from made-up outcomes."""

from __future__ import annotations

import numpy as np
import pytest

from bench.choose.course import WORSE, Left, Outcome, follow
from bench.choose.race import FIRST_LOOK

NAMES = ("a", "b", "c", "d")


@pytest.fixture
def outcomes() -> dict[tuple[str, int], Outcome]:
    """Eight replicates from number 5 on: b beats a by little, c is far behind, d fails in the third."""
    rng = np.random.default_rng(0)
    found: dict[tuple[str, int], Outcome] = {}
    for number in range(5, 13):
        level = float(rng.normal())
        for name, gap in zip(NAMES, (0.0, 0.01, -5.0, -0.1), strict=True):
            found[name, number] = level + gap + 0.1 * float(rng.normal())
    found["d", 7] = "diverged: loss is nan"
    return found


def test_a_bad_one_is_dropped_a_failed_one_leaves_and_a_tie_stays(outcomes: dict[tuple[str, int], Outcome]) -> None:
    course = follow(NAMES, outcomes, 5, 1)
    assert course.left == {"d": Left(3, "diverged: loss is nan"), "c": Left(FIRST_LOOK, WORSE)}
    assert set(course.staying) == {"a", "b"}
    assert course.numbers == tuple(range(5, 13))
    assert [len(course.scores(name)) for name in NAMES] == [8, 8, FIRST_LOOK, 2]
    assert course.ranked[2:] == ("c", "d")
    assert course.runner_up == "c"
    assert course.mean("a") == pytest.approx(np.mean([outcomes["a", number] for number in range(5, 13)]))


def test_those_who_left_are_not_waited_for(outcomes: dict[tuple[str, int], Outcome]) -> None:
    known = {place: value for place, value in outcomes.items() if place[0] in "ab" or place[1] <= 5 + FIRST_LOOK - 1}
    assert follow(NAMES, known, 5, 1).numbers == tuple(range(5, 13))
    del known["a", 11]
    assert follow(NAMES, known, 5, 1).numbers == tuple(range(5, 11))


def test_what_comes_later_changes_nothing_before(outcomes: dict[tuple[str, int], Outcome]) -> None:
    whole = follow(NAMES, outcomes, 5, 1)
    for last in range(5, 13):
        early = follow(NAMES, {place: value for place, value in outcomes.items() if place[1] <= last}, 5, 1)
        n = len(early.numbers)
        assert early.left == {name: gone for name, gone in whole.left.items() if gone.after <= n}
        assert np.array_equal(early.values, whole.values[:n], equal_nan=True)


def test_lower_is_better_turns_it_round(outcomes: dict[tuple[str, int], Outcome]) -> None:
    course = follow(NAMES[:3], outcomes, 5, -1)
    assert course.staying == ("c",)
    assert course.stands(0.0)
    assert not follow(NAMES[:2], outcomes, 5, -1).stands(0.001)
    assert follow(NAMES[:2], outcomes, 5, -1).stands(10.0)


def test_before_the_first_replicate_all_are_in_it() -> None:
    course = follow(NAMES, {}, 0, 1)
    assert course.staying == NAMES
    assert course.numbers == ()
    assert course.runner_up is None
    assert not course.stands(1.0)


def test_a_replicate_in_which_all_fail_is_not_counted_but_three_end_the_race() -> None:
    scores = np.resize([0.0, 1.0, 1.0, 0.0], (10, 2))
    found: dict[tuple[str, int], Outcome] = {
        (name, number): float(scores[number, column]) for number in range(10) for column, name in enumerate("ab")
    }
    whole = follow("ab", found, 0, 1)
    for count in (1, 2, 3):
        found |= {(name, 2 + number): "collapsed" for number in range(count) for name in "ab"}
        course = follow("ab", found, 0, 1)
        assert course.void == tuple(range(2, 2 + count))
        assert course.next == (10 if count < 3 else 5)
        assert bool(course.staying) == (count < 3)
        kept = [number for number in range(course.next) if number not in course.void]
        assert np.array_equal(course.values, whole.values[kept])
