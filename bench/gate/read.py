"""Reads one side of a comparison: run folders, a committed JSONL file, or a leaderboard."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.gate.side import Place, Side
from bench.metrics import metric_names
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.facts import Tested
from bench.records.leaderboard import Row, group_of, read_rows
from bench.records.lines import read_lines
from bench.records.load import Run, damage, load_runs, pool
from bench.records.record import SCHEMA, Group, Record, checker, parse

REWRITE = "write it anew with bench check RUN --write-baseline FILE"
SHARED = ("fusion", "family", "symmetric", "backbone", "domain", "protocol", "recipe_id")


def read_side(path: Path) -> Side:
    """Read a run folder, a folder of run folders, a JSONL file of records, or a ``leaderboard.csv``.

    Raises:
        UsageError: there is no such path, it holds nothing, a file is of another schema, a baseline or a leaderboard is
            damaged or cut off, or a ``run.json`` cannot be understood: margins and machines hang on it.
    """
    if not os.path.exists(path):
        raise UsageError(f"{path}: no such file or folder")
    if path.is_dir():
        runs = load_runs([path])
        unknown = [run for run in runs if "damaged" in run.header]
        if unknown:
            raise UsageError(f"{damage(unknown)[0]}; nothing can be compared with it")
        return Side(str(path), _by_place(runs), headers=[run.header for run in runs], lost=tuple(damage(runs)))
    if path.suffix == ".csv":
        return _read_leaderboard(path)
    if path.suffix == ".jsonl":
        return _read_jsonl(path)
    raise UsageError(f"{path}: expected a run folder, a .jsonl file of records, or a leaderboard .csv")


def _by_place(runs: tuple[Run, ...]) -> dict[Place, Record]:
    return {(cell.group, cell.seed): cell for cell in pool(runs).cells}


def _read_jsonl(path: Path) -> Side:
    """A baseline is complete or none: what it lacks could not get worse."""
    records = read_baseline(path)
    factors = {record.measured_on.factor if record.measured_on else None for record in records}
    factor = factors.pop() if len(factors) == 1 else None
    return Side(str(path), _by_place((Run(path, {}, tuple(records)),)), factor)


def read_baseline(path: Path) -> list[Record]:
    """The records of a committed baseline, as many as its first line says.

    Raises:
        UsageError: it cannot be read, a line is damaged, or some are missing.
    """
    every = list(read_lines(path))
    if not every:
        raise UsageError(f"{path}: no complete line in it; {REWRITE}")
    head, *lines = every
    stated = parse(head.text, f"{path}, {head.where}").get("cells")
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise UsageError(f"{path}: the first line does not say how many cells follow; {REWRITE}")
    check = checker(Record)
    found = {record.key: record for record in (check(text, f"{path}, {where}") for text, where in lines)}
    if len(found) != stated or len(lines) != stated:
        raise UsageError(f"{path}: {len(lines)} records of {len(found)} cells, but the first line says {stated}")
    if not found:
        raise UsageError(f"{path}: no records in it")
    return list(found.values())


def _read_leaderboard(path: Path) -> Side:
    """A record for each seed that finished; those that failed are not in the file."""
    by_group: dict[Group, list[Row]] = {}
    for row in read_rows(path):
        by_group.setdefault(group_of(row), []).append(row)
    try:
        records = [_record(rows, int(seed)) for rows in by_group.values() for seed in (rows[0]["seeds"] or "").split()]
    except ValueError as error:
        raise UsageError(f"{path}: not a leaderboard.csv ({error})") from None
    return Side(str(path), {(record.group, record.seed): record for record in records}, has_means_only=True)


def _record(rows: Sequence[Row], seed: int) -> Record:
    """What a seed would have left, were its scores the means; each row is of another evaluated domain."""
    row = rows[0]
    cost: Any = {name: row[name] for name in (*COUNT_FIELDS, *RATE_FIELDS)}
    return Record(
        schema=SCHEMA,
        key="",
        status="ok",
        seed=seed,
        repeats=row["repeats"],
        warmup={"task": row["warmup"], "seed": group_of(row).warmup_seed},
        cost=cost | {"uncounted": tuple((row["uncounted"] or "").split())},
        eval={
            own["eval_domain"]: Tested(tuple(own[f"{name}_mean"] for name in metric_names()), own["test_pairs"])
            for own in rows
            if own["test_pairs"]
        },
        **{name: row[name] for name in SHARED},
    )
