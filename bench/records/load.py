"""Records of one or more runs as compact cells: one per cell, the latest attempt, in an order of their own."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import UsageError
from bench.metrics import metric_names
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.folder import Record, RunFolder, find_runs, has_runs, read_records
from bench.records.machine import Machine, Sessions, machine_from

# The warm-up seed of a record that names none: a fusion of pixels, a start that failed, downloaded weights.
NO_SEED = -1
UNKNOWN = Sessions({})


class Group(NamedTuple):
    """What the seeds of one table row have in common. Sorts by table, then backbone, then fusion."""

    protocol: str
    warmup: str
    warmup_seed: int
    domain: str
    recipe_id: str
    backbone: str
    fusion: str


class Strata(NamedTuple):
    """Results of one cell by kind of pair, in the order of the domain; None where a value is missing."""

    names: tuple[str, ...]
    accuracy: tuple[float | None, ...]
    p_same: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The latest attempt at one cell, reduced to what reports use.

    Attributes:
        finished: date and time in ISO 8601, UTC; empty where the record has none.
        message: of the error, the reason why the combination is not applicable, or the note that a cell at chance has.
        metrics: by evaluated domain, values in the order of ``metric_names()``, None where missing.
        test_pairs: by evaluated domain.
        strata: by evaluated domain, for those that tell kinds of pairs apart.
        cost: by field, None where missing.
        seeds_together: how many seeds were trained in one pass with it, itself included.
        matching: budget, tolerance, number of parameters and problem, where it was matched in parameters.
        data: by evaluated domain, what names its test set: version, and content where that is a user's.
        warmup: its facts (quality, measure, better, seconds, images) as far as the record has them.
        machine: that it ran on; None where neither the run nor the record tells.
    """

    group: Group
    seed: int
    key: str
    family: str
    symmetric: bool | None
    finished: str
    status: str
    message: str
    metrics: Mapping[str, tuple[float | None, ...]]
    test_pairs: Mapping[str, int]
    strata: Mapping[str, Strata]
    cost: Mapping[str, float | None]
    seeds_together: int
    uncounted: tuple[str, ...]
    recipe: Mapping[str, Any]
    warmup: Mapping[str, Any]
    matching: Mapping[str, Any]
    data: Mapping[str, Mapping[str, Any]]
    machine: Machine | None


@dataclass(frozen=True)
class Run:
    """A run folder with its header and the latest attempt at each of its cells, in the order of the file."""

    folder: Path
    header: Mapping[str, Any]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Pool:
    """The cells of several runs together, one per group and seed, sorted.

    Attributes:
        superseded: cells left out because a later record has the same names, recipe and seed but another key: it was
            made with another version of the code or the data, or with other test pairs.
        repeated: attempts left out because another run holds a later one at the very same cell.
    """

    cells: tuple[Cell, ...]
    superseded: tuple[Cell, ...]
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
    kept: dict[tuple[Group, int], Cell] = {}
    superseded = []
    for cell in sorted(_with_warmup_seed(by_key.values()), key=lambda cell: cell.finished):
        place = cell.group, cell.seed
        if place in kept:
            superseded.append(kept[place])
        kept[place] = cell
    cells = tuple(kept[place] for place in sorted(kept))
    superseded.sort(key=lambda cell: (cell.group, cell.seed, cell.key))
    return Pool(cells, tuple(superseded), len(found) - len(by_key))


def cells_of(records: Iterable[Record], source: Path, sessions: Sessions = UNKNOWN) -> tuple[Cell, ...]:
    """The latest attempt at each cell; a record that cannot be read raises ``UsageError``.

    Args:
        source: of the records, for messages.
        sessions: of the run folder, which tell the machine of a record that does not name its own.
    """
    cells: dict[str, Cell] = {}
    names = metric_names()
    for record in records:
        try:
            cell = _cell(record, sessions, names)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            what = f"{type(error).__name__}: {error}"
            raise UsageError(f"{source}: record {record.get('key')} is incomplete ({what})") from None
        # A later attempt takes the later place, which tells versions of a cell apart that finished in the same second.
        cells.pop(cell.key, None)
        cells[cell.key] = cell
    return tuple(cells.values())


def _load(folder: RunFolder) -> Run:
    header = folder.header()
    return Run(folder.path, header, cells_of(read_records(folder.records_file), folder.records_file, Sessions(header)))


def _cell(record: Record, sessions: Sessions, names: Sequence[str]) -> Cell:
    warmup = record["warmup"]
    group = Group(
        protocol=record["protocol"],
        warmup=warmup["task"],
        warmup_seed=int(warmup.get("seed", NO_SEED)),
        domain=record["domain"],
        recipe_id=record["recipe_id"],
        backbone=record["backbone"],
        fusion=record["fusion"],
    )
    quality, cost = record.get("eval") or {}, record.get("cost") or {}
    return Cell(
        group=group,
        seed=int(record["seed"]),
        key=record["key"],
        family=record.get("family") or "",
        symmetric=record.get("symmetric"),
        finished=record.get("finished") or "",
        status=record["status"],
        message=_message(record.get("error")) or (record.get("diagnostics") or {}).get("note", ""),
        metrics={domain: tuple(map(metrics.get, names)) for domain, metrics in quality.items()},
        test_pairs={domain: int(metrics["n"]) for domain, metrics in quality.items()},
        strata={domain: _strata(metrics["strata"]) for domain, metrics in quality.items() if metrics.get("strata")},
        cost={field: cost.get(field) for field in (*COUNT_FIELDS, *RATE_FIELDS)},
        seeds_together=(record.get("execution") or {}).get("seeds_together", 1),
        uncounted=tuple(cost.get("uncounted") or ()),
        recipe=record.get("recipe") or {},
        warmup=_subset(warmup, ("quality", "measure", "better", "seconds", "images")),
        matching=record.get("matching") or {},
        data=record.get("data") or {},
        machine=_machine(record, sessions),
    )


def _machine(record: Record, sessions: Sessions) -> Machine | None:
    """The lines of a baseline carry their machine, as they have left their run."""
    if "measured_on" in record:
        return machine_from(record["measured_on"].get("machine"))
    return sessions.machine(record.get("finished") or "")


def _strata(found: Mapping[str, Mapping[str, Any]]) -> Strata:
    accuracy, p_same = (tuple(values.get(name) for values in found.values()) for name in ("accuracy", "p_same"))
    return Strata(_shared(tuple(found)), accuracy, p_same)


@cache
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """One tuple for all cells with these names."""
    return names


def _message(error: Mapping[str, Any] | None) -> str:
    """The first line of an error, with its type unless the status or the message says it."""
    if not error:
        return ""
    lines = str(error.get("message") or "").strip().splitlines()
    kind, text = str(error.get("type") or ""), lines[0] if lines else ""
    return text if kind in ("", "NotApplicableError", "CollapsedError") else f"{kind}: {text}" if text else kind


def _subset(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: values[name] for name in names if values.get(name) is not None}


def _with_warmup_seed(cells: Collection[Cell]) -> list[Cell]:
    """Cells that did not use the warm-up join the table of those that did (with several warm-up seeds: the lowest)."""
    known: dict[tuple[str, str, str], int] = {}
    for cell in cells:
        table = _table_of(cell.group)
        if cell.group.warmup_seed != NO_SEED:
            known[table] = min(known.get(table, cell.group.warmup_seed), cell.group.warmup_seed)
    return [
        replace(cell, group=cell.group._replace(warmup_seed=known.get(_table_of(cell.group), NO_SEED)))
        if cell.group.warmup_seed == NO_SEED
        else cell
        for cell in cells
    ]


def _table_of(group: Group) -> tuple[str, str, str]:
    return group.protocol, group.warmup, group.domain
