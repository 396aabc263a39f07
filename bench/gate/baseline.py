"""A committed baseline: the records of a run, one line per cell, without what no comparison reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.gate.coverage import aligned, shared
from bench.gate.read import read_side
from bench.gate.side import describe
from bench.gate.throughput import noise_factor
from bench.records.folder import RunFolder, read_lines
from bench.records.load import load_runs, pool
from bench.records.machine import Machine, why_incomparable
from bench.records.record import DONE, parse
from bench.text import count_of

LEFT_OUT = ("curve", "diagnostics", "auxiliary", "times", "stopped_early")
OF_EVAL = ("cells", "strata")


def write_baseline(run: Path, out: Path, factor: float | None = None) -> int:
    """Write the latest record of each cell of ``run`` to ``out``, sorted by key; returns how many.

    Args:
        factor: of the throughput tier on the machine of this run, where it was measured.

    Raises:
        UsageError: there are no records, a cell failed (a baseline must be complete), or ``out`` cannot be written.
    """
    runs = load_runs([run])
    cells = {cell.key: cell for cell in pool(runs).cells}
    failed = [cell for cell in cells.values() if cell.status not in DONE and not cell.fails_as_stated]
    if failed:
        names = describe(failed[0].group, failed[0].seed)
        how_many = count_of(len(failed), "failed cell")
        raise UsageError(f"{run}: {how_many}, such as {names}; a baseline has to be complete")
    # Lines as they were written, with whatever they hold besides.
    files = [RunFolder(one.folder).records_file for one in runs]
    written = (parse(*line) for file in files for line in read_lines(file))
    chosen = {(cell.key, cell.finished) for cell in cells.values()}
    kept = {line["key"]: line for line in written if (line["key"], line.get("finished", "")) in chosen}
    lines = [
        json.dumps(_slim(line) | _measured_on(cells[key].machine, factor), separators=(",", ":"), allow_nan=False)
        for key, line in sorted(kept.items())
    ]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{out}: {error.strerror}") from None
    return len(lines)


def measured_factor(run: Path, again: Path) -> float:
    """How much slower is still noise: from two runs of the same code on one machine.

    Raises:
        UsageError: they ran on different machines, or share no cell.
    """
    first, second = aligned(read_side(run), read_side(again))
    reason = why_incomparable(first.machines, second.machines)
    if reason:
        raise UsageError(f"--again {again}: {reason}")
    return noise_factor(shared(first, second, "accuracy", allow_missing=True))


def _measured_on(machine: Machine | None, factor: float | None) -> dict[str, Any]:
    return {"measured_on": {"machine": machine._asdict() if machine else None, "factor": factor}}


def _slim(record: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in record.items() if name not in LEFT_OUT}
    scored = record.get("eval") or {}
    kept["eval"] = {
        domain: {name: value for name, value in metrics.items() if name not in OF_EVAL}
        for domain, metrics in scored.items()
    }
    return kept
