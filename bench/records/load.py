"""The records of one or more runs: the latest attempt at each cell, in an order of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.records.facts import MeasuredOn
from bench.records.folder import RunFolder, find_runs, has_runs, latest
from bench.records.machine import Machine, Sessions
from bench.records.record import NO_SEED, Group, Record


@dataclass(frozen=True)
class Run:
    """A run folder with its header and the latest attempt at each of its cells, in the order of the file."""

    folder: Path
    header: Mapping[str, Any]
    cells: tuple[Record, ...]


@dataclass(frozen=True)
class Pool:
    """The cells of several runs together, one per group and seed, sorted.

    Attributes:
        superseded: cells left out because a later record has the same names, recipe and seed but another key: it was
            made with another version of the code or the data, or with other test pairs.
        repeated: attempts left out because another run holds a later one at the very same cell.
    """

    cells: tuple[Record, ...]
    superseded: tuple[Record, ...]
    repeated: int


def load_runs(paths: Iterable[Path]) -> tuple[Run, ...]:
    """Read the runs at ``paths`` or directly below them, oldest first whatever the order of ``paths``.

    A path without records, as ``results/*`` may name, is left out where another one has some (``without_runs``).

    Raises:
        UsageError: a path does not exist, none holds records, or a record cannot be read.
    """
    given = tuple(paths)
    empty = without_runs(given)
    usable = [path for path in given if path not in empty] or given
    folders = {folder.path.resolve(): folder for path in usable for folder in find_runs(path)}
    runs = [_load(folder) for folder in folders.values()]
    if not any(run.cells for run in runs):
        raise UsageError(f"{', '.join(map(str, given))}: no records here yet; start with bench run")
    return tuple(sorted(runs, key=lambda run: (str(run.header.get("created", "")), str(run.folder))))


def without_runs(paths: Iterable[Path]) -> list[Path]:
    """Those of ``paths`` that exist and are no runs."""
    return [path for path in paths if path.exists() and not has_runs(path)]


def pool(runs: Sequence[Run]) -> Pool:
    """Put the cells of ``runs`` together; what finished later counts (in the same second: the later run)."""
    found = sorted((cell for run in runs for cell in run.cells), key=lambda cell: cell.finished)
    by_key = {cell.key: cell for cell in found}
    kept: dict[tuple[Group, int], Record] = {}
    superseded = []
    for cell in sorted(_with_warmup_seed(by_key.values()), key=lambda cell: cell.finished):
        place = cell.group, cell.seed
        if place in kept:
            superseded.append(kept[place])
        kept[place] = cell
    cells = tuple(kept[place] for place in sorted(kept))
    superseded.sort(key=lambda cell: (cell.group, cell.seed, cell.key))
    return Pool(cells, tuple(superseded), len(found) - len(by_key))


def _load(folder: RunFolder) -> Run:
    header = folder.header()
    records = latest(folder.records(Record)).values()
    sessions, known = Sessions(header), dict[Machine | None, MeasuredOn]()
    for record in records:
        if record.measured_on is None:
            machine = sessions.machine(record.finished)
            record.measured_on = known.setdefault(machine, MeasuredOn(machine))
    return Run(folder.path, header, tuple(records))


def _with_warmup_seed(cells: Collection[Record]) -> list[Record]:
    """Cells that did not use the warm-up join the table of those that did (with several warm-up seeds: the lowest)."""
    known: dict[tuple[str, str, str], int] = {}
    for cell in cells:
        table, seed = _table_of(cell.group), cell.group.warmup_seed
        if seed != NO_SEED:
            known[table] = min(known.get(table, seed), seed)
    return [
        cell.joining(known.get(_table_of(cell.group), NO_SEED)) if cell.group.warmup_seed == NO_SEED else cell
        for cell in cells
    ]


def _table_of(group: Group) -> tuple[str, str, str]:
    return group.protocol, group.warmup, group.domain
