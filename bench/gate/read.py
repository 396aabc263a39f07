"""Reads one side of a comparison: run folders, a committed JSONL file, or a leaderboard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.errors import UsageError
from bench.gate.side import Place, Side
from bench.metrics import metric_names
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.folder import Record, read_records
from bench.records.leaderboard import Row, group_of, read_rows
from bench.records.load import Cell, Group, Run, cells_of, load_runs, pool

NO_KEY = ""
SHARED = ("fusion", "family", "symmetric", "backbone", "domain", "protocol", "recipe_id")


def read_side(path: Path) -> Side:
    """Read a run folder, a folder of run folders, a JSONL file of records, or a ``leaderboard.csv``.

    Raises:
        UsageError: there is no such path, it holds nothing, or something in it is of another schema or cut off.
    """
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if path.is_dir():
        runs = load_runs([path])
        return Side(str(path), _by_place(runs), headers=[run.header for run in runs])
    if path.suffix == ".csv":
        return _read_leaderboard(path)
    if path.suffix == ".jsonl":
        return _read_jsonl(path)
    raise UsageError(f"{path}: expected a run folder, a .jsonl file of records, or a leaderboard .csv")


def _by_place(runs: tuple[Run, ...]) -> dict[Place, Cell]:
    return {(cell.group, cell.seed): cell for cell in pool(runs).cells}


def _read_jsonl(path: Path) -> Side:
    if not path.read_bytes().endswith(b"\n"):
        raise UsageError(f"{path}: the last line has no end; is the file cut off?")
    factors: set[float | None] = set()

    def noted() -> Iterator[Record]:
        for record in read_records(path):
            factors.add((record.get("measured_on") or {}).get("factor"))
            yield record

    cells = cells_of(noted(), path)
    if not cells:
        raise UsageError(f"{path}: no records in it")
    factor = next(iter(factors)) if len(factors) == 1 else None
    return Side(str(path), _by_place((Run(path, {}, cells),)), factor)


def _read_leaderboard(path: Path) -> Side:
    """A cell for each seed that finished; those that failed are not in the file."""
    by_group: dict[Group, list[Row]] = {}
    for row in read_rows(path):
        by_group.setdefault(group_of(row), []).append(row)
    try:
        # One by one, as cells without a key count as attempts at the same one.
        cells = [
            cell
            for rows in by_group.values()
            for seed in (rows[0]["seeds"] or "").split()
            for cell in cells_of([_record(rows, int(seed))], path)
        ]
    except ValueError as error:
        raise UsageError(f"{path}: not a leaderboard.csv ({error})") from None
    return Side(str(path), {(cell.group, cell.seed): cell for cell in cells}, has_means_only=True)


def _record(rows: Sequence[Row], seed: int) -> Record:
    """What a seed would have left, were its scores the means; each row is of another evaluated domain."""
    row = rows[0]
    return {name: row[name] for name in SHARED} | {
        "key": NO_KEY,
        "seed": seed,
        "status": "ok",
        "warmup": {"task": row["warmup"], "seed": group_of(row).warmup_seed},
        "cost": {name: row[name] for name in (*COUNT_FIELDS, *RATE_FIELDS)}
        | {"uncounted": (row["uncounted"] or "").split()},
        "eval": {
            own["eval_domain"]: {"n": own["test_pairs"]} | {name: own[f"{name}_mean"] for name in metric_names()}
            for own in rows
            if own["test_pairs"]
        },
    }
