"""A ``leaderboard.csv`` as one side: costs, test pairs and means, but no scores of single seeds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from bench.errors import UsageError
from bench.gate.side import Place, Side
from bench.metrics import metric_names
from bench.records.columns import COUNT_FIELDS, RATE_FIELDS
from bench.records.leaderboard import COLUMNS, SCHEMA, check_schemas
from bench.records.load import NO_SEED, Cell, Group

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
        group: {metric: _number(row.get(f"{metric}_mean", "")) for metric in metric_names()}
        for group, own in groups.items()
        for row in own
        if row["domain"] == row["eval_domain"]
    }
    return Side(str(path), cells, None, means)


def _group(row: Row) -> Group:
    seed = int(row["warmup_seed"]) if row["warmup_seed"] else NO_SEED
    return Group(row["protocol"], row["warmup"], seed, row["domain"], row["recipe_id"], row["backbone"], row["fusion"])


def _cells(group: Group, rows: list[Row]) -> Iterator[tuple[Place, Cell]]:
    """A cell for each seed that finished; those that failed are not in the file."""
    row = rows[0]
    for seed in map(int, row["seeds"].split()):
        yield (
            (group, seed),
            Cell(
                group=group,
                seed=seed,
                key="",
                family=row["family"],
                symmetric=None,
                finished="",
                status="ok",
                message="",
                metrics={},
                test_pairs={own["eval_domain"]: int(own["test_pairs"]) for own in rows if own["test_pairs"]},
                strata={},
                cost={field: _number(row[field]) for field in (*COUNT_FIELDS, *RATE_FIELDS)},
                seeds_together=1,
                uncounted=tuple(row["uncounted"].split()),
                recipe={},
                warmup={},
                matching={},
                data={},
                machine=None,
            ),
        )


def _number(text: str) -> float | None:
    return float(text) if text else None
