"""The records of one or more runs: the latest attempt at each cell, in an order of their own."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.records.facts import MeasuredOn
from bench.records.folder import RunFolder, find_runs, has_runs, latest
from bench.records.lines import Damaged, lost_lines
from bench.records.machine import Machine, Sessions
from bench.records.record import NO_SEED, Group, Record
from bench.text import count_of


@dataclass(frozen=True)
class Run:
    """A run folder with its header and the latest attempt at each of its cells, in the order of the file.

    Attributes:
        damaged: lines of its file that hold no record.
    """

    folder: Path
    header: Mapping[str, Any]
    cells: tuple[Record, ...]
    damaged: tuple[Damaged, ...] = ()

    @cached_property
    def sessions(self) -> Sessions:
        """Who says when, where and by what command a record of it was made."""
        return Sessions(self.header)


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
        UsageError: a path does not exist, none holds records, or a file cannot be read or is of another schema.
    """
    given = tuple(paths)
    empty = without_runs(given)
    usable = [path for path in given if path not in empty] or given
    folders = {folder.path.resolve(): folder for path in usable for folder in find_runs(path)}
    runs = [_load(folder) for folder in folders.values()]
    if not any(run.cells for run in runs):
        lost = "".join(f"; {sentence}" for sentence in damage(runs))
        raise UsageError(f"{', '.join(map(str, given))}: no records here yet; start with bench run{lost}")
    return tuple(sorted(runs, key=lambda run: (str(run.header.get("created", "")), str(run.folder))))


def without_runs(paths: Iterable[Path]) -> list[Path]:
    """Those of ``paths`` that exist and are no runs."""
    return [path for path in paths if os.path.exists(path) and not has_runs(path)]


def damage(runs: Iterable[Run]) -> list[str]:
    """Sentences on what of ``runs`` is lost: lines without a record, headers that cannot be understood."""
    headers = [
        f"{run.folder / 'run.json'} could not be understood ({run.header['damaged']}): "
        "machine, versions and margins of this run are not known"
        for run in runs
        if "damaged" in run.header
    ]
    return [*headers, *lost_lines(line for run in runs for line in run.damaged)]


def unfinished(runs: Iterable[Run]) -> list[str]:
    """A sentence on each run with fewer cells than its last session asked for."""
    return [
        f"{run.folder.name}: {asked - len(run.cells):,} or more of the {count_of(asked, 'cell')} that were asked for "
        "have no record yet; the same command goes on"
        for run in runs
        if len(run.cells) < (asked := run.header.get("cells") or 0)
    ]


def in_order(runs: Iterable[Run]) -> list[tuple[Run, Record]]:
    """The cells of ``runs`` and the run of each, the latest attempt last.

    Within a run the order of the file decides, as clocks are set back; between runs what finished later (in the same
    second: the later run).
    """
    dated = []
    for run in runs:
        finished = ""
        for cell in run.cells:
            finished = max(finished, cell.finished)
            dated.append((finished, run, cell))
    return [(run, cell) for _, run, cell in sorted(dated, key=lambda one: one[0])]


def pool(runs: Sequence[Run]) -> Pool:
    """Put the cells of ``runs`` together, :func:`in_order`."""
    found = [cell for _, cell in in_order(runs)]
    by_key = latest(found)
    kept: dict[tuple[Group, int], Record] = {}
    superseded = []
    for cell in _with_warmup_seed(by_key.values()):
        place = cell.group, cell.seed
        if place in kept:
            superseded.append(kept[place])
        kept[place] = cell
    cells = tuple(kept[place] for place in sorted(kept))
    superseded.sort(key=lambda cell: (cell.group, cell.seed, cell.key))
    return Pool(cells, tuple(superseded), len(found) - len(by_key))


def _load(folder: RunFolder) -> Run:
    header, (found, damaged) = folder.header(), folder.read(Record)
    records = latest(found).values()
    run, known = Run(folder.path, header, tuple(records), damaged), dict[Machine | None, MeasuredOn]()
    for record in records:
        if record.measured_on is None:
            machine = run.sessions.of(record.finished).machine
            record.measured_on = known.setdefault(machine, MeasuredOn(machine))
    return run


def _with_warmup_seed(cells: Collection[Record]) -> list[Record]:
    """Cells that did not use the warm-up join the table of those that did (with several warm-up seeds: the lowest)."""
    known: dict[tuple[str, ...], int] = {}
    for cell in cells:
        table, seed = _table_of(cell.group), cell.group.warmup_seed
        if seed != NO_SEED:
            known[table] = min(known.get(table, seed), seed)
    return [
        cell.joining(known.get(_table_of(cell.group), NO_SEED)) if cell.group.warmup_seed == NO_SEED else cell
        for cell in cells
    ]


def _table_of(group: Group) -> tuple[str, ...]:
    return group.protocol, group.warmup, group.domain, group.repeats
