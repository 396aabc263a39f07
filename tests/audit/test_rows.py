"""The acceptance rule: what is accepted, what is a leak, and what needs more pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.audit.rows import Verdict, counted, flagged, judged, judged_gain


def hits(right: int, n: int) -> np.ndarray:
    return np.arange(n) < right


def test_chance_is_accepted_with_the_half_width_of_twenty_thousand_pairs() -> None:
    row = judged("y", "pair", hits(10_000, 20_000))
    assert row.verdict is Verdict.OK
    assert row.interval is not None
    assert (row.interval[1] - row.interval[0]) / 2 == pytest.approx(0.0069, abs=1e-4)


@pytest.mark.parametrize(
    ("level", "right", "expected"),
    [
        ("pair", 10_161, Verdict.OK),
        ("pair", 10_163, Verdict.UNDECIDED),
        ("pair", 10_240, Verdict.LEAK),
        ("single", 10_240, Verdict.OK),
        ("single", 10_300, Verdict.LEAK),
        ("pair", 9_000, Verdict.OK),
    ],
)
def test_verdicts_at_twenty_thousand(level: str, right: int, expected: Verdict) -> None:
    assert judged("y", level, hits(right, 20_000)).verdict is expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("right", "expected"), [(120, Verdict.UNDECIDED), (300, Verdict.LEAK), (90, Verdict.OK)])
def test_with_ten_classes_the_margin_is_laid_on_a_tenth(right: int, expected: Verdict) -> None:
    n = 1_000 if expected is not Verdict.OK else 1_200
    row = judged("y", "single", hits(right, n), chance=0.1)
    assert row.limit == pytest.approx(0.12)
    assert row.verdict is expected


def test_few_pairs_at_chance_decide_nothing() -> None:
    assert judged("y", "pair", hits(200, 400)).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(("found", "expected"), [(0, Verdict.OK), (1, Verdict.LEAK)])
def test_a_count_must_not_exceed_its_share(found: int, expected: Verdict) -> None:
    assert counted("y", found, 100_000, 1e-6).verdict is expected


def test_one_in_two_million_is_below_one_in_a_million() -> None:
    assert counted("y", 1, 2_000_000, 1e-6).verdict is Verdict.OK


def test_a_gain_is_judged_by_the_examples_in_which_two_answers_differ() -> None:
    n = 3_000
    without = hits(2_400, n)
    gained = judged_gain("y", without | (np.arange(n) >= 2_850), without)
    mean, half = 0.05, 1.96 * np.sqrt(0.05 * 0.95 / n)
    assert gained.interval == pytest.approx((mean - half, mean + half), abs=1e-4)
    assert gained.verdict is Verdict.LEAK
    assert judged_gain("y", without, without).verdict is Verdict.OK


def test_what_is_flagged_was_a_leak_and_what_flags_fails_no_audit() -> None:
    leak, ok = judged("y", "pair", hits(300, 400)), judged("y", "pair", hits(10_000, 20_000))
    assert flagged(leak) == replace(leak, verdict=Verdict.FLAGGED)
    assert flagged(ok) == ok
    undecided = flagged(judged("y", "pair", hits(10_163, 20_000)))
    assert (undecided.verdict, undecided.note) == (Verdict.INFORMATIVE, "undecided (N too small)")
