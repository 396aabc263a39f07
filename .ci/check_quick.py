"""Checks what the quick sweeps promise: no failed cell, fusions that learned, controls at chance, references on top,
and joins that differ on digits."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

LEARNED = {"color": 0.95, "texture": 0.93}
APART = {"digits": 0.1}
AT_LEAST = 4
CHANCE, TOLERANCE = 0.5, 0.03
ORACLES = {"mask_oracle": 0.97, "template_oracle": 0.99}

Row = dict[str, str]


def main(folders: Sequence[Path]) -> int:
    """Print each promise with what was seen; return 1 when one is broken."""
    every = [row for folder in folders for row in _rows(folder) if row["domain"] == row["eval_domain"]]
    rows = [row for row in every if row["accuracy_mean"]]
    checks = dict(check for domain, least in LEARNED.items() for check in _learned(rows, domain, least))
    checks |= dict(check for domain, least in APART.items() for check in _apart(rows, domain, least))
    failed = sum(int(row["n_failed"]) for row in every)
    checks[f"failed cells: {failed}"] = not failed
    for what, holds in checks.items():
        print(f"{'ok  ' if holds else 'FAIL'} {what}")
    return 0 if all(checks.values()) else 1


def _rows(folder: Path) -> list[Row]:
    with (folder / "leaderboard.csv").open() as file:
        return list(csv.DictReader(file))


def _apart(rows: list[Row], domain: str, least: float) -> list[tuple[str, bool]]:
    fusions = sorted((row for row in _of(rows, domain) if row["family"] not in ("control", "reference")), key=_accuracy)
    ends = ", ".join(f"{row['fusion']} {_accuracy(row):.3f}" for row in (*fusions[:1], *fusions[-1:])) or "none"
    is_apart = bool(fusions) and _accuracy(fusions[-1]) - _accuracy(fusions[0]) >= least
    return [(f"{domain}: joins at least {least} apart: {ends}", is_apart), _at_chance(rows, domain)]


def _at_chance(rows: list[Row], domain: str) -> tuple[str, bool]:
    controls = [row for row in _of(rows, domain) if row["family"] == "control"]
    astray = [f"{row['fusion']} {_accuracy(row):.3f}" for row in controls if abs(_accuracy(row) - CHANCE) > TOLERANCE]
    said = f"{domain}: {len(controls)} controls within {TOLERANCE} of chance: {', '.join(astray) or 'all'}"
    return said, bool(controls) and not astray


def _of(rows: list[Row], domain: str) -> list[Row]:
    return [row for row in rows if row["domain"] == domain]


def _learned(rows: list[Row], domain: str, least: float) -> list[tuple[str, bool]]:
    own = _of(rows, domain)
    fusions = [row for row in own if row["family"] not in ("control", "reference")]
    learned = [row["fusion"] for row in fusions if _accuracy(row) > least]
    oracles = [row for row in own if row["fusion"] in ORACLES]
    blind = [f"{row['fusion']} {_accuracy(row):.3f}" for row in oracles if _accuracy(row) < ORACLES[row["fusion"]]]
    return [
        (
            f"{domain}: at least {AT_LEAST} fusions above {least}: {', '.join(learned) or 'none'}",
            len(learned) >= AT_LEAST,
        ),
        _at_chance(rows, domain),
        (f"{domain}: {len(oracles)} oracles near 1: {', '.join(blind) or 'all'}", bool(oracles) and not blind),
    ]


def _accuracy(row: Row) -> float:
    return float(row["accuracy_mean"])


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]]))
