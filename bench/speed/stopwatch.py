"""A stopwatch that times calls in blocks, whoever makes the calls."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Generator, Iterator

BLOCK_SECONDS = 0.01  # a block is long against the resolution of the clock and one wait for the device
LEAST_WARMUP_SECONDS, WARMUP_SECONDS = 0.1, 3.0
STEADY_BLOCKS, STEADY_SPREAD = 5, 0.05
ROUND_SECONDS, FEWEST_BLOCKS = 0.2, 3
LATENCY_SECONDS, FEWEST_CALLS, MOST_CALLS = 0.1, 5, 100


class Stopwatch:
    """Iterating over it yields once for every call to be made, and takes the time in between.

    First a warm-up: blocks are made long enough to last ``BLOCK_SECONDS`` and repeated until the last few of them agree
    within ``STEADY_SPREAD``, or ``WARMUP_SECONDS`` are over and so many blocks did not agree. Then blocks for
    ``ROUND_SECONDS``, then single calls for ``LATENCY_SECONDS``. A plain loop can be timed like this, and so can one
    that draws its batches from elsewhere.

    Args:
        now: the time in seconds, after waiting for everything that the device still has to do.

    Attributes:
        calls: in a block. settled: whether the warm-up ended because the blocks agreed.
        blocks: seconds per call of every block. latencies: seconds of every call that was timed by itself.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.calls = 1
        self.settled = False
        self.blocks: list[float] = []
        self.latencies: list[float] = []

    def __iter__(self) -> Iterator[None]:
        yield from self._warm_up()
        until = self._now() + ROUND_SECONDS
        while len(self.blocks) < FEWEST_BLOCKS or self._now() < until:
            self.blocks.append((yield from self._block(self.calls)))
        until = self._now() + LATENCY_SECONDS
        while len(self.latencies) < FEWEST_CALLS or (len(self.latencies) < MOST_CALLS and self._now() < until):
            self.latencies.append((yield from self._block(1)))

    def _warm_up(self) -> Generator[None, None, None]:
        begun = self._now()
        steady: list[float] = []
        while True:
            seconds = yield from self._block(self.calls)
            if seconds * self.calls < BLOCK_SECONDS:
                self.calls = max(self.calls + 1, min(10 * self.calls, math.ceil(1.2 * BLOCK_SECONDS / seconds)))
                steady.clear()
            else:
                steady = [*steady, seconds][-STEADY_BLOCKS:]
            passed = self._now() - begun
            enough = len(steady) == STEADY_BLOCKS
            self.settled = enough and _spread(steady) <= STEADY_SPREAD and passed >= LEAST_WARMUP_SECONDS
            if self.settled or (enough and passed > WARMUP_SECONDS):
                return

    def _block(self, calls: int) -> Generator[None, None, float]:
        """Seconds per call over ``calls`` calls."""
        started = self._now()
        for _ in range(calls):
            yield
        return (self._now() - started) / calls


def _spread(values: list[float]) -> float:
    return (max(values) - min(values)) / statistics.median(values)
