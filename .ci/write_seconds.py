"""Writes what cells take, for the first plan of a sweep, best from runs whose machine did nothing else.

``python .ci/write_seconds.py results/quick results/reference/studies/aligned ...``: one row per backbone and protocol,
of the first run that has it; of a warm-up the first run that computed one.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from bench.records.folder import RunFolder
from bench.records.machine import machine_of, names_of
from bench.records.record import Record
from bench.sweep.clock import FILE, Price


def main(paths: Sequence[Path]) -> None:
    """Measure every backbone and protocol, and write the file of prices."""
    rows: dict[tuple[str, str], Price] = {}
    for path in paths:
        folder = RunFolder(path)
        machine = names_of([machine_of(folder.header())])[0]
        groups = defaultdict(list)
        for record in folder.records(Record):
            if record.status == "ok" and record.role == "fusion":
                groups[record.backbone, record.protocol].append(record)
        for kind, cells in groups.items():
            known = any(row.warmup for (backbone, _), row in rows.items() if backbone == kind[0])
            found = price(kind, machine, cells)
            rows.setdefault(kind, found.model_copy(update={"warmup": None}) if known else found)
    kept = json.dumps([row.model_dump() for _, row in sorted(rows.items())], indent=1)
    FILE.write_text(kept + "\n")


def price(kind: tuple[str, str], machine: str, cells: Sequence[Record]) -> Price:
    """The medians of one backbone and protocol; what the first of a repetition takes more is the encoding."""
    train = statistics.median(cell.times["train"] / trained(cell) for cell in cells)
    test = statistics.median(cell.times["evaluate"] / tested(cell) for cell in cells)
    backbone, protocol = kind
    encode = 0.0
    if protocol == "frozen":
        repetitions = {(cell.domain, cell.seed): cell for cell in cells}.values()
        pairs = sum(cell.recipe["train_pairs"] + cell.recipe["val_pairs"] + tested(cell) for cell in repetitions)
        usual = statistics.median(cell.times["total"] for cell in cells)
        encode = sum(cell.times["total"] - usual for cell in cells) / pairs
    of_image = [cell.warmup["seconds"] / cell.warmup["images"] for cell in cells if cell.warmup.get("seconds")]
    return Price(
        backbone=backbone,
        protocol=protocol,
        machine=machine,
        cells=len(cells),
        train=float(f"{train:.3g}"),
        test=float(f"{test:.3g}"),
        encode=float(f"{encode:.3g}"),
        warmup=float(f"{statistics.median(of_image):.3g}") if of_image else None,
    )


def trained(cell: Record) -> int:
    """Training pairs, each time that they are shown."""
    shown: int = cell.recipe["train_pairs"] * cell.recipe["epochs"]
    return shown


def tested(cell: Record) -> int:
    """Test pairs of all domains."""
    return sum(one.pairs for one in cell.eval.values())


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]])
