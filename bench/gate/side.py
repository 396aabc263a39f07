"""One side of a comparison: its cells, and what is known of the machine they ran on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bench.records.machine import Machine
from bench.records.record import NO_SEED, Group, Record

Place = tuple[Group, int]


@dataclass(frozen=True)
class Side:
    """What one side has.

    Attributes:
        source: the path it was read from, for messages.
        cells: the latest attempt by group and seed.
        factor: how much slower is still noise on that machine, where it was measured.
        has_means_only: whether its source is a leaderboard: the score of every seed is the mean over seeds.
        headers: of its runs; none where it is a file.
        lost: sentences on the lines of its runs that could not be read.
    """

    source: str
    cells: Mapping[Place, Record]
    factor: float | None = None
    has_means_only: bool = False
    headers: Sequence[Mapping[str, Any]] = ()
    lost: tuple[str, ...] = ()

    @property
    def machines(self) -> frozenset[Machine | None]:
        """What its rates were measured on; None stands for an unknown machine."""
        return frozenset(cell.machine for cell in self.cells.values() if cell.status == "ok")


# What names of groups need beside what all names hold.
_APART: ContextVar[Mapping[Group, str]] = ContextVar("apart", default=MappingProxyType({}))


@contextmanager
def told_apart(groups: Iterable[Group]) -> Iterator[None]:
    """Those of the groups that share a name are described meanwhile with what they differ in as well: the recipe, the
    seed of the warm-up, or what is repeated."""
    alike: dict[Group, set[Group]] = defaultdict(set)
    for group in groups:
        alike[group._replace(recipe_id="", warmup_seed=NO_SEED, repeats="seed")].add(group)
    before = _APART.set({group: _apart(group, others) for others in alike.values() for group in others})
    try:
        yield
    finally:
        _APART.reset(before)


def _apart(group: Group, others: Collection[Group]) -> str:
    seed = "unknown" if group.warmup_seed == NO_SEED else str(group.warmup_seed)
    facts = {
        "recipe_id": f"recipe {group.recipe_id}",
        "warmup_seed": f"warm-up seed {seed}",
        "repeats": f"{group.repeats}s",
    }
    differing = [text for name, text in facts.items() if len({getattr(one, name) for one in others}) > 1]
    return "".join(f" · {text}" for text in differing)


def describe(group: Group, seed: int | None = None) -> str:
    """A group, or one cell of it, as messages and tables name it."""
    warmup = "no warm-up" if group.warmup == "none" else f"warm-up {group.warmup}"
    name = f"{group.fusion} × {group.backbone} on {group.domain} · {group.protocol} · {warmup}"
    name += _APART.get().get(group, "")
    return name if seed is None else f"{name}, seed {seed}"
