"""Run folders in the real schema, so that each test states only what matters to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.gate.comparison import Comparison, Rules, compare
from bench.gate.read import read_side
from tests import conftest as root

Record = dict[str, Any]

HEADER = {
    "schema": 1,
    "created": "2026-03-01T10:00:00+00:00",
    "config": {"jobs": 2},
    "hardware": {"cpu": "Test CPU", "capability": "AVX2", "cores": 2, "gpus": [], "system": "Linux x86_64"},
    "threads": 1,
    "precision": "float32",
}


def make_record(fusion: str = "abs_diff", seed: int = 0, accuracy: float | None = 0.95, **fields: Any) -> Record:
    """A record whose scores are all ``accuracy``, of a test set that is named."""
    metrics = root.make_metrics(0.9)
    same = {**metrics, **dict.fromkeys(metrics.keys() - {"n", "cells"}, accuracy)}
    own = {"eval": {"color": same}} if fields.get("status", "ok") == "ok" else {}
    return root.make_record(fusion, seed, **{**own, "data": {"color": {"version": 3}}, **fields})


def make_cells(fusion: str, accuracies: Sequence[float], **fields: Any) -> list[Record]:
    return [make_record(fusion, seed, accuracy, **fields) for seed, accuracy in enumerate(accuracies)]


@pytest.fixture
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture
def cells() -> Callable[..., list[Record]]:
    """Records of one fusion, one for each of the accuracies."""
    return make_cells


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run folder below ``tmp_path`` from records; ``header`` None leaves ``run.json`` out."""

    def write(records: Iterable[Record], name: str, header: dict[str, Any] | None = HEADER) -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        if header is not None:
            (folder / "run.json").write_text(json.dumps(header))
        (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        return folder

    return write


@pytest.fixture
def header() -> dict[str, Any]:
    return dict(HEADER)


@pytest.fixture
def judged(run_folder: Callable[..., Path]) -> Callable[..., Comparison]:
    """Compares two lists of records under rules given by name."""

    def judge(base: Iterable[Record], new: Iterable[Record], **rules: Any) -> Comparison:
        return compare(read_side(run_folder(base, "base")), read_side(run_folder(new, "new")), Rules(**rules))

    return judge


@pytest.fixture
def found() -> Callable[[Comparison, str], list[tuple[str, str, str]]]:
    """Word, cell and text of the findings of a tier."""
    return lambda comparison, tier: [(one.word, one.cell, one.text) for one in comparison.findings if one.tier == tier]
