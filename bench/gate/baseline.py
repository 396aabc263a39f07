"""A committed baseline: how many cells it holds, then their records, one per line, without what no comparison reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.atomic import write_text_atomically
from bench.errors import UsageError
from bench.gate.coverage import aligned, shared
from bench.gate.read import read_side
from bench.gate.side import describe
from bench.gate.throughput import noise_factor
from bench.records.folder import RunFolder
from bench.records.load import damage, in_order, load_runs, pool
from bench.records.machine import Machine, why_incomparable
from bench.records.record import DONE, SCHEMA
from bench.text import count_of

LEFT_OUT = ("curve", "diagnostics", "auxiliary", "times", "stopped_early")
OF_EVAL = ("cells", "strata")


def write_baseline(run: Path, out: Path, factor: float | None = None) -> int:
    """Write the latest record of each cell of ``run`` to ``out``, sorted by key; returns how many.

    Args:
        factor: of the throughput tier on the machine of this run, where it was measured.

    Raises:
        UsageError: there are no records, a cell failed or a record is lost (a baseline must be complete), or ``out``
            cannot be written.
    """
    runs = load_runs([run])
    lost = damage(runs)
    if lost:
        raise UsageError(f"{'; '.join(lost)}; a baseline has to be complete")
    cells = {cell.key: cell for cell in pool(runs).cells}
    failed = [cell for cell in cells.values() if cell.status not in DONE and not cell.fails_as_stated]
    if failed:
        names = describe(failed[0].group, failed[0].seed)
        how_many = count_of(len(failed), "failed cell")
        raise UsageError(f"{run}: {how_many}, such as {names}; a baseline has to be complete")
    # Lines as they were written, with whatever they hold besides.
    written = {one.folder: RunFolder(one.folder).written() for one in runs}
    kept = {cell.key: written[one.folder][cell.key] for one, cell in in_order(runs) if cell.key in cells}
    records = [_slim(line) | _measured_on(cells[key].machine, factor) for key, line in sorted(kept.items())]
    write_text_atomically(out, baseline_text(records))
    return len(records)


def baseline_text(records: Iterable[Mapping[str, Any]]) -> str:
    """The lines of a baseline; the first tells whether all others are there."""
    lines = [json.dumps(record, separators=(",", ":"), allow_nan=False) for record in records]
    head = json.dumps({"schema": SCHEMA, "cells": len(lines)}, separators=(",", ":"))
    return "\n".join([head, *lines]) + "\n"


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
