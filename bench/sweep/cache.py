"""A small cache of the values used last."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Recent(Generic[V]):
    """Keeps the values used last, each computed at its first use, as long as their weights add up to ``limit`` at most.

    The value used last is kept whatever it weighs. Without ``weigh`` every value weighs 1.
    """

    def __init__(self, limit: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._limit = limit
        self._weigh = weigh
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], V]) -> V:
        """The value of ``key``, computed if it is not kept."""
        if key not in self._values:
            self._values[key] = compute()
        self._values.move_to_end(key)
        while len(self._values) > 1 and sum(map(self._weigh, self._values.values())) > self._limit:
            self._values.popitem(last=False)
        return self._values[key]
