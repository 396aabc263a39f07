"""Tiny sweeps serve here, too, and what one left is compared with what another one did."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.conftest import _forget_plug_ins, deadly, measured, sweep, tiny, weighted, written

__all__ = ["_forget_plug_ins", "deadly", "measured", "sweep", "tiny", "weighted", "written"]

CELLS = 24


@pytest.fixture
def check_same(measured: Any, bench_report: Any) -> Callable[..., None]:
    """Two sweeps of 24 cells left the same: keys, metrics, models and report."""

    def comparable(record: dict[str, Any]) -> dict[str, Any]:
        record.pop("measured_on", None)
        record["warmup"].pop("seconds", None)
        return dict(measured(record))

    def told_of(file: Path) -> Any:
        """A file of a stored model, without what the machine and the hour had a part in."""
        if file.suffix != ".json":
            return file.read_bytes()
        return {name: fact for name, fact in json.loads(file.read_text()).items() if name != "measured"}

    def report_of(folder: Path) -> str:
        return str(bench_report(folder, "--cost", "params,macs").stdout.split("## Provenance")[0])

    def check(here: list[dict[str, Any]], folder: Path, there: list[dict[str, Any]], other: Path) -> None:
        found = [{record["key"]: comparable(record) for record in records} for records in (here, there)]
        assert len(found[0]) == CELLS
        assert found[0] == found[1]
        kept = [{file.name: told_of(file) for file in (out / "models").iterdir()} for out in (folder, other)]
        assert len(kept[0]) > CELLS
        assert kept[0] == kept[1]
        assert report_of(folder) == report_of(other)

    return check
