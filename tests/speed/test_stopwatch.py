"""The stopwatch, on a clock that only calls move."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bench.speed.stopwatch import (
    BLOCK_SECONDS,
    FEWEST_BLOCKS,
    FEWEST_CALLS,
    ROUND_SECONDS,
    STEADY_BLOCKS,
    WARMUP_SECONDS,
    Stopwatch,
)


class Clock:
    def __init__(self) -> None:
        self.time, self.asked = 0.0, 0

    def now(self) -> float:
        self.asked += 1
        return self.time


def watched(seconds_of: Callable[[int], float]) -> tuple[Stopwatch, Clock, int]:
    """A stopwatch after calls that take ``seconds_of`` their number, its clock, and how many calls there were."""
    clock, calls = Clock(), 0
    watch = Stopwatch(clock.now)
    for _ in watch:
        clock.time += seconds_of(calls)
        calls += 1
    return watch, clock, calls


@pytest.mark.parametrize("seconds", [3e-6, 1e-4, 0.004, 0.3, 0.9])
def test_blocks_are_long_enough_and_tell_the_time_of_one_call(seconds: float) -> None:
    watch, _, _ = watched(lambda call: seconds)
    assert watch.calls * seconds >= BLOCK_SECONDS
    assert watch.blocks == pytest.approx([seconds] * len(watch.blocks))
    assert watch.latencies == pytest.approx([seconds] * len(watch.latencies))
    assert len(watch.blocks) >= max(FEWEST_BLOCKS, ROUND_SECONDS / (watch.calls * seconds) - 1)
    assert len(watch.latencies) >= FEWEST_CALLS
    assert watch.settled


def test_a_slow_start_is_left_out() -> None:
    watch, _, _ = watched(lambda call: 0.01 if call < 8 else 0.002)
    assert watch.blocks == pytest.approx([0.002] * len(watch.blocks))


def test_the_device_is_waited_for_once_per_block_and_not_per_call() -> None:
    watch, clock, calls = watched(lambda call: 1e-5)
    blocks = calls / watch.calls
    assert watch.calls >= 1000
    assert clock.asked <= 4 * (blocks + len(watch.latencies) + STEADY_BLOCKS)


def test_a_warm_up_that_never_settles_ends_and_says_so() -> None:
    generator = random.Random(0)
    watch, clock, _ = watched(lambda call: generator.uniform(0.02, 0.06))
    assert not watch.settled
    assert watch.blocks
    assert clock.time < 2 * WARMUP_SECONDS


def test_long_calls_that_never_agree_end_after_a_few() -> None:
    watch, _, calls = watched(lambda call: 1.0 + call % 2)
    assert not watch.settled
    assert calls == STEADY_BLOCKS + FEWEST_BLOCKS + FEWEST_CALLS
