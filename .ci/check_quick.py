"""Checks what the quick sweep promises: no failed cell, learned fusions above 0.95 on color, controls at chance."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

LEARNED, AT_LEAST = 0.95, 4
CHANCE, TOLERANCE = 0.5, 0.03


def main(folder: Path) -> int:
    """Print each promise with what was seen; return 1 when one is broken."""
    with (folder / "leaderboard.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["domain"] == row["eval_domain"]]
    controls = [row for row in rows if row["family"] == "control"]
    learned = [
        row["fusion"]
        for row in rows
        if row["domain"] == "color" and row["family"] != "control" and float(row["accuracy_mean"]) > LEARNED
    ]
    astray = [
        f"{row['fusion']} on {row['domain']}: {float(row['accuracy_mean']):.3f}"
        for row in controls
        if abs(float(row["accuracy_mean"]) - CHANCE) > TOLERANCE
    ]
    failed = sum(int(row["n_failed"]) for row in rows)
    checks = {
        f"at least {AT_LEAST} fusions above {LEARNED} on color: {', '.join(learned) or 'none'}": len(learned)
        >= AT_LEAST,
        f"{len(controls)} control rows within {TOLERANCE} of chance: {', '.join(astray) or 'all'}": controls
        and not astray,
        f"failed cells: {failed}": not failed,
    }
    for what, holds in checks.items():
        print(f"{'ok  ' if holds else 'FAIL'} {what}")
    return 0 if all(checks.values()) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
