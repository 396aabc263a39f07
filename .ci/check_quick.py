"""Checks what the quick sweep promises: no failed cell, fusions that learned, controls at chance, references on top."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

LEARNED = {"color": 0.95, "texture": 0.93}
AT_LEAST = 4
CHANCE, TOLERANCE = 0.5, 0.03
ORACLES = {"mask_oracle": 0.97, "template_oracle": 0.99}

Row = dict[str, str]


def main(folder: Path) -> int:
    """Print each promise with what was seen; return 1 when one is broken."""
    with (folder / "leaderboard.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["domain"] == row["eval_domain"] and row["accuracy_mean"]]
    checks = dict(check for domain, least in LEARNED.items() for check in _domain_checks(rows, domain, least))
    failed = sum(int(row["n_failed"]) for row in rows)
    checks[f"failed cells: {failed}"] = not failed
    for what, holds in checks.items():
        print(f"{'ok  ' if holds else 'FAIL'} {what}")
    return 0 if all(checks.values()) else 1


def _domain_checks(rows: list[Row], domain: str, least: float) -> list[tuple[str, bool]]:
    own = [row for row in rows if row["domain"] == domain]
    fusions = [row for row in own if row["family"] not in ("control", "reference")]
    learned = [row["fusion"] for row in fusions if _accuracy(row) > least]
    controls = [row for row in own if row["family"] == "control"]
    astray = [f"{row['fusion']} {_accuracy(row):.3f}" for row in controls if abs(_accuracy(row) - CHANCE) > TOLERANCE]
    oracles = [row for row in own if row["fusion"] in ORACLES]
    blind = [f"{row['fusion']} {_accuracy(row):.3f}" for row in oracles if _accuracy(row) < ORACLES[row["fusion"]]]
    return [
        (
            f"{domain}: at least {AT_LEAST} fusions above {least}: {', '.join(learned) or 'none'}",
            len(learned) >= AT_LEAST,
        ),
        (
            f"{domain}: {len(controls)} controls within {TOLERANCE} of chance: {', '.join(astray) or 'all'}",
            bool(controls) and not astray,
        ),
        (f"{domain}: {len(oracles)} oracles near 1: {', '.join(blind) or 'all'}", bool(oracles) and not blind),
    ]


def _accuracy(row: Row) -> float:
    return float(row["accuracy_mean"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
