"""Run folders in the real schema, so that each test states only what matters to it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bench.gate.comparison import Comparison, Rules, compare
from bench.gate.read import read_side

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
    status = fields.get("status", "ok")
    record: Record = {
        "schema": 1,
        "status": status,
        "fusion": fusion,
        "family": "embedding",
        "symmetric": True,
        "backbone": "mobilenetv3_small_32",
        "domain": "color",
        "seed": seed,
        "protocol": "finetune",
        "warmup": {"task": "names", "seed": 0},
        "recipe": {"train_pairs": 6400, "batch_size": 64},
        "recipe_id": "aaaaaaaa",
        "data": {"color": {"version": 3}},
        "eval": {},
        "error": None,
        "finished": "2026-03-01T10:00:00+00:00",
        "curve": [[6400, 0.1, 0.95]],
    }
    if status == "ok":
        names = (
            "balanced_accuracy precision recall f1 auc average_precision fpr95 brier log_loss ece d_prime criterion "
        )
        names += "p_same threshold accuracy_val f1_val swap_gap swap_flips"
        metrics = {"accuracy": accuracy, **dict.fromkeys(names.split(), accuracy), "n": 2000}
        record["eval"] = {"color": {**metrics, "cells": {"circle-circle": {"n": 500, "accuracy": 0.9, "p_same": 0.9}}}}
        record["cost"] = {
            "parameters": 260749,
            "trainable": 260749,
            "fusion_parameters": 16641,
            "macs": 7850880,
            "fusion_macs": 16512,
            "uncounted": [],
            "train_pairs_per_s": 560.1 + seed,
            "infer_pairs_per_s": 3000.1 + seed,
        }
    record |= fields
    names = ("fusion", "backbone", "domain", "seed", "protocol", "recipe_id")
    return {"key": hashlib.sha256(repr([record[name] for name in names]).encode()).hexdigest()[:16], **record}


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
