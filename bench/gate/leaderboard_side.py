"""A ``leaderboard.csv`` as one side: costs, test pairs and means, but no scores of single seeds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.gate.side import Place, Side
from bench.records.columns import COUNT_FIELDS, METRICS, RATE_FIELDS
from bench.records.facts import Tested
from bench.records.leaderboard import COLUMNS, SCHEMA, check_schemas
from bench.records.record import NO_SEED, Group, Record
from bench.records.record import SCHEMA as RECORD_SCHEMA

Row = dict[str, str]


def read_leaderboard(path: Path) -> Side:
    """Read what ``bench report`` wrote.

    Raises:
        UsageError: it is no leaderboard, one of another schema, or empty.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise UsageError(f"{path}: no line in it")
    if "schema" in rows[0]:
        check_schemas((row["schema"] or "" for row in rows), str(path))
    needed = COLUMNS[: COLUMNS.index("efficiency_mean")]
    missing = [name for name in needed if name not in rows[0]]
    if missing:
        raise UsageError(f"{path}: not a leaderboard of schema {SCHEMA}; it has no column {', '.join(missing[:3])}")
    try:
        return _side(path, rows)
    except ValueError as error:
        raise UsageError(f"{path}: not a leaderboard ({error})") from None


def _side(path: Path, rows: list[Row]) -> Side:
    groups: dict[Group, list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row)
    cells = {place: cell for group, own in groups.items() for place, cell in _cells(group, own)}
    means = {
        group: tuple(_number(row[f"{metric}_mean"]) for metric in METRICS)
        for group, own in groups.items()
        for row in own
        if row["domain"] == row["eval_domain"]
    }
    return Side(str(path), cells, None, means)


def _group(row: Row) -> Group:
    seed = int(row["warmup_seed"]) if row["warmup_seed"] else NO_SEED
    return Group(row["protocol"], row["warmup"], seed, row["domain"], row["recipe_id"], row["backbone"], row["fusion"])


def _cells(group: Group, rows: list[Row]) -> Iterator[tuple[Place, Record]]:
    """A cell for each seed that finished; those that failed are not in the file."""
    unscored = (None,) * len(METRICS)
    cost: Any = {field: _number(rows[0][field]) for field in (*COUNT_FIELDS, *RATE_FIELDS)}
    cost["uncounted"] = tuple(rows[0]["uncounted"].split())
    for seed in map(int, rows[0]["seeds"].split()):
        cell = Record(
            schema=RECORD_SCHEMA,
            key="",
            status="ok",
            **{name: text for name, text in group._asdict().items() if not name.startswith("warmup")},
            seed=seed,
            family=rows[0]["family"],
            warmup={"task": group.warmup, "seed": group.warmup_seed},
            eval={own["eval_domain"]: Tested(unscored, int(own["test_pairs"])) for own in rows if own["test_pairs"]},
            cost=cost,
        )
        yield (group, seed), cell


def _number(text: str) -> float | None:
    return float(text) if text else None
