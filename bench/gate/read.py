"""Reads one side of a comparison: run folders, a committed JSONL file, or a leaderboard."""

from __future__ import annotations

from pathlib import Path

from bench.errors import UsageError
from bench.gate.leaderboard_side import read_leaderboard
from bench.gate.side import Place, Side
from bench.records.folder import latest, read_records
from bench.records.load import Run, load_runs, pool
from bench.records.record import Record


def read_side(path: Path) -> Side:
    """Read a run folder, a folder of run folders, a JSONL file of records, or a ``leaderboard.csv``.

    Raises:
        UsageError: there is no such path, it holds nothing, or something in it is of another schema or cut off.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if path.is_dir():
        runs = load_runs([path])
        return Side(str(path), _by_place(runs), None, {}, [run.header for run in runs])
    if path.suffix == ".csv":
        return read_leaderboard(path)
    if path.suffix == ".jsonl":
        return _read_jsonl(path)
    raise UsageError(f"{path}: expected a run folder, a .jsonl file of records, or a leaderboard .csv")


def _by_place(runs: tuple[Run, ...]) -> dict[Place, Record]:
    return {(cell.group, cell.seed): cell for cell in pool(runs).cells}


def _read_jsonl(path: Path) -> Side:
    if not path.read_bytes().endswith(b"\n"):
        raise UsageError(f"{path}: the last line has no end; is the file cut off?")
    records = list(read_records(path, Record))
    if not records:
        raise UsageError(f"{path}: no records in it")
    factors = {record.measured_on.factor if record.measured_on else None for record in records}
    factor = factors.pop() if len(factors) == 1 else None
    run = Run(path, {}, tuple(latest(records).values()))
    return Side(str(path), _by_place((run,)), factor, {})
