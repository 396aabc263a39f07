"""A small cache of values that are worth keeping."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

V = TypeVar("V")


@dataclass
class _Kept(Generic[V]):
    value: V
    weight: float
    worth: float
    rank: float = 0.0


class Cache(Generic[V]):
    """Keeps values, each computed at its first use, as long as their weights add up to ``limit`` at most.

    What took the least time to compute for its weight is given up first, and of two alike the one used longest ago; a
    value that is no longer used loses its rank while others are given up (Cao and Irani, 1997, GreedyDual-Size). The
    value used last is kept whatever it weighs.

    Args:
        weigh: by default every value weighs 1.
        clock: seconds, to time what is computed.
    """

    def __init__(
        self,
        limit: float,
        weigh: Callable[[V], float] = lambda value: 1,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._limit, self._weigh, self._clock = limit, weigh, clock
        self._kept: dict[Hashable, _Kept[V]] = {}
        self._floor = 0.0

    def get(self, key: Hashable, compute: Callable[[], V]) -> V:
        """The value of ``key``, computed if it is not kept."""
        entry = self._kept.pop(key, None) or self._compute(compute)
        while self._kept and entry.weight + sum(other.weight for other in self._kept.values()) > self._limit:
            least = min(self._kept, key=lambda other: self._kept[other].rank)
            self._floor = self._kept.pop(least).rank
        entry.rank = self._floor + entry.worth
        self._kept[key] = entry
        return entry.value

    def _compute(self, compute: Callable[[], V]) -> _Kept[V]:
        started = self._clock()
        value = compute()
        weight = self._weigh(value)
        return _Kept(value, weight, (self._clock() - started) / max(weight, 1))
