"""One side of a comparison: its cells, and what is known of the machine they ran on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records.machine import Machine
from bench.records.record import Group, Record

Place = tuple[Group, int]


@dataclass(frozen=True)
class Side:
    """What one side has.

    Attributes:
        source: the path it was read from, for messages.
        cells: the latest attempt by group and repetition.
        factor: how much slower is still noise on that machine, where it was measured.
        has_means_only: whether its source is a leaderboard: the score of every repetition is the mean over them.
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


def describe(group: Group, number: int | None = None) -> str:
    """A group, or one cell of it, as messages and tables name it: no two groups have one name."""
    warmup = "no warm-up" if group.warmup == "none" else f"warm-up {group.warmup}"
    of_seed = f" of seed {group.warmup_seed}" if group.warmup_seed > 0 else ""
    name = f"{group.fusion} × {group.backbone} on {group.domain} · {group.protocol} · {warmup}{of_seed}"
    name += f" · recipe {group.recipe_id}"
    if number is not None:
        return f"{name}, {group.repeats} {number}"
    return name if group.repeats == "seed" else f"{name} · {group.repeats}s"
