"""Reads one side of a comparison: run folders, a committed JSONL file, or a leaderboard."""

from __future__ import annotations

import json
from pathlib import Path

from bench.errors import UsageError
from bench.gate.leaderboard_side import read_leaderboard
from bench.gate.machine import MANY, machine_of_runs
from bench.gate.side import Place, Side
from bench.report.load import Cell, Run, load_cells, load_runs, pool
from bench.sweep.records import read_records


def read_side(path: Path) -> Side:
    """Read a run folder, a folder of run folders, a JSONL file of records, or a ``leaderboard.csv``.

    Raises:
        UsageError: there is no such path, it holds nothing, or something in it is of another schema or cut off.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if path.is_dir():
        runs = load_runs([path])
        return Side(str(path), _by_place(runs), machine_of_runs(runs), None, {})
    if path.suffix == ".csv":
        return read_leaderboard(path)
    if path.suffix == ".jsonl":
        return _read_jsonl(path)
    raise UsageError(f"{path}: expected a run folder, a .jsonl file of records, or a leaderboard .csv")


def _by_place(runs: tuple[Run, ...]) -> dict[Place, Cell]:
    return {(cell.group, cell.seed): cell for cell in pool(runs).cells}


def _read_jsonl(path: Path) -> Side:
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        raise UsageError(f"{path}: the last line has no end; is the file cut off?")
    cells = load_cells(path)
    if not cells:
        raise UsageError(f"{path}: no records in it")
    measured = [record.get("measured_on") or {} for record in read_records(path)]
    machines = {json.dumps(found.get("machine"), sort_keys=True): found.get("machine") for found in measured}
    factors = {found.get("factor") for found in measured}
    machine = next(iter(machines.values())) if len(machines) == 1 else MANY
    factor = next(iter(factors)) if len(factors) == 1 else None
    return Side(str(path), _by_place((Run(path, {}, cells),)), machine, factor, {})
