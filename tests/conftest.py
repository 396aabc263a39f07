"""What every test relies on: the built-in plug-ins, one thread, a cache of its own, no network, and a factory of
records and run folders, so that each test states only what matters to it."""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
import typer
from markdown_it import MarkdownIt
from rich.console import Console
from typer.testing import CliRunner, Result

from bench import zoo
from bench.cli.plot import plot
from bench.cli.report import report
from bench.cost import throughput
from bench.registry import BROKEN, REGISTRIES
from bench.sweep.config import load_config
from bench.sweep.run import run_sweep
from tests.grouped_images import grouped
from tests.processes import process, start_process

__all__ = ["grouped", "process", "start_process"]
Record = dict[str, Any]
KNOWS = {"name_then_xnor": "names", "mask_oracle": "masks", "template_oracle": "generator"}

# Read once, when timm imports the hub client.
os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--device", default="cpu", choices=("cpu", "cuda"), help="what tests marked cuda compute on")


@pytest.fixture
def device(request: pytest.FixtureRequest) -> str:
    """What the tests marked ``cuda`` compute on."""
    return str(request.config.getoption("--device"))


@pytest.fixture(scope="session", autouse=True)
def _session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSEBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("OMP_NUM_THREADS", "1")  # of processes that a test starts
        # What a rate of a tiny model is does not matter here, and 192 pairs take as long as its cell.
        patch.setattr(throughput, "BATCH", 4)
        patch.setattr(throughput, "ROUNDS", 1)
        torch.set_num_threads(1)
        zoo.load()
        yield


@pytest.fixture
def registries() -> Iterator[None]:
    """Whatever the test registers, and every plug-in that it breaks, is forgotten afterwards."""
    before = [(registry, {cls.name: cls for cls in registry.classes}) for registry in REGISTRIES]
    broken = dict(BROKEN)
    yield
    for registry, classes in before:
        registry._classes = classes
    BROKEN.clear()
    BROKEN.update(broken)


@pytest.fixture
def plugin(tmp_path: Path, registries: None) -> Callable[..., Path]:
    """Writes a plug-in file and loads it; returns its path. The body goes below the imports a fusion needs."""

    def write(body: str, name: str = "plugin", load: bool = True) -> Path:
        path = tmp_path / f"{name}.py"
        path.write_text(PREAMBLE + dedent(body))
        if load:
            zoo.load([path])
            assert not [broken for broken in zoo.broken_plugins() if broken.path == path], zoo.broken_plugins()
        return path

    return write


PREAMBLE = '''\
"""A plug-in of a test."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, MapShape, mlp, register

'''


HEADER = {
    "schema": 1,
    "created": "2026-03-01T10:00:00+00:00",
    "command": "bench run",
    "config": {"jobs": 2, "threads": 1},
    "git": {"sha": "0123456789abcdef", "dirty": True},
    "versions": {"torch": "2.9.1"},
    "hardware": {"cpu": "Test CPU"},
    "threads": 1,
    "precision": "float32",
}


def make_metrics(accuracy: float, auc: float | None = None, n: int = 2000, **more: float) -> dict[str, Any]:
    names = "balanced_accuracy precision recall average_precision fpr95 brier log_loss ece d_prime criterion p_same "
    names += "threshold accuracy_val f1_val swap_gap swap_flips"
    rest = dict.fromkeys(names.split(), accuracy / 2)
    values = {"accuracy": accuracy, "f1": accuracy - 0.01, "auc": accuracy if auc is None else auc, **rest, **more}
    return {**values, "n": n, "cells": {"circle-circle": {"n": n // 4, "accuracy": accuracy, "p_same": accuracy}}}


def make_record(
    fusion: str = "abs_diff",
    seed: int = 0,
    accuracy: float | None = 0.95,
    *,
    domain: str = "color",
    abroad: dict[str, float] | None = None,
    status: str = "ok",
    message: str = "",
    recipe_id: str = "aaaaaaaa",
    train_pairs: int = 6400,
    **fields: Any,
) -> Record:
    """A record; ``accuracy`` on ``domain`` and ``abroad`` on others fill its metrics where it is ok."""
    record: Record = {
        "schema": 1,
        "status": status,
        "fusion": fusion,
        "family": "embedding",
        "symmetric": True,
        "backbone": "mobilenetv3_small_32",
        "domain": domain,
        "seed": seed,
        "protocol": "finetune",
        "warmup": {"task": "names", "seed": 0, "quality": 0.84, "seconds": 50.1, "images": 51200},
        "recipe": {"train_pairs": train_pairs, "batch_size": 64},
        "recipe_id": recipe_id,
        "eval": {},
        "error": {"type": "DivergedError", "message": message} if message else None,
        "finished": "2026-03-01T10:00:00+00:00",
    }
    if status == "ok" and accuracy is not None:
        tested = {domain: accuracy, **(abroad or {})}
        record["eval"] = {name: make_metrics(value) for name, value in tested.items()}
        record["cost"] = {
            "parameters": 260749,
            "trainable": 260749,
            "fusion_parameters": 16641,
            "macs": 7850880,
            "fusion_macs": 16512,
            "uncounted": [],
            "train_pairs_per_s": 560.1 + seed,
            "infer_pairs_per_s": 3000.0 + seed,
        }
        record["curve"] = [[640, 0.69, 0.5], [6400, 0.1, 0.95]]
    if fields.get("family") == "reference":
        record["knows"] = KNOWS.get(fusion.partition(":")[0], "")
    record |= fields
    names = ("fusion", "backbone", "domain", "seed", "protocol", "warmup", "recipe_id")
    coordinates = json.dumps([record[name] if name != "warmup" else record[name]["task"] for name in names])
    return {"key": hashlib.sha256(coordinates.encode()).hexdigest()[:16], **record}


def make_strata(p_same: dict[str, float], accuracy: dict[str, float] | None = None) -> dict[str, Any]:
    """What the metrics of a domain hold under ``strata``; accuracy is .5 unless given."""
    known = accuracy or {}
    return {
        name: {"n": 500, "accuracy": known.get(name, 0.5), "p_same": value, "auc": None}
        for name, value in p_same.items()
    }


def write_run(folder: Path, records: Iterable[Record], header: dict[str, Any] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps({**HEADER, **(header or {})}))
    (folder / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


def sample_sweep() -> list[Record]:
    """Two backbones, three seeds: two good fusions, one at chance, one with a failure, one not applicable, controls."""
    rng = random.Random(0)
    levels = {"abs_diff": 0.96, "concat": 0.955, "cosine": 0.85, "early": 0.5, "hadamard": 0.9}
    records = []
    for backbone, recipe, pairs in (("mobilenetv3_small_32", "aaaaaaaa", 6400), ("resnet18", "bbbbbbbb", 12800)):
        own: dict[str, Any] = {"backbone": backbone, "recipe_id": recipe, "train_pairs": pairs}
        for seed in range(3):
            for fusion, level in levels.items():
                accuracy = round(level + rng.uniform(-0.005, 0.005), 4)
                abroad = {"texture": round((level + 0.5) / 2 + rng.uniform(-0.01, 0.01), 4)}
                if (fusion, seed, backbone) == ("hadamard", 1, "resnet18"):
                    records.append(
                        make_record(fusion, seed, status="diverged", message="loss is nan at step 12", **own)
                    )
                else:
                    records.append(make_record(fusion, seed, accuracy, abroad=abroad, **own))
            control = round(0.5 + rng.uniform(-0.01, 0.01), 4)
            records.append(make_record("single_image", seed, control, abroad={"texture": 0.5}, family="control", **own))
            error = {"type": "NotApplicableError", "message": "needs transformer blocks"}
            records.append(make_record("joint_tokens", seed, status="not_applicable", error=error, **own))
    return records


@pytest.fixture(scope="session")
def record() -> Callable[..., Record]:
    return make_record


@pytest.fixture(scope="session")
def metrics() -> Callable[..., dict[str, Any]]:
    return make_metrics


@pytest.fixture(scope="session")
def strata() -> Callable[..., dict[str, Any]]:
    return make_strata


@pytest.fixture
def sweep() -> list[Record]:
    return sample_sweep()


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run folder below ``tmp_path`` from records."""
    return lambda records, name="demo", header=None: write_run(tmp_path / name, records, header)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that keeps its models: two seeds each of a siamese one, one of pixels, and one whose threshold
    validation sets."""
    out = tmp_path_factory.mktemp("kept")
    for fusion, objective in (("concat", "bce"), ("two_channel", "bce"), ("cosine", "contrastive")):
        given = {
            "fusion": fusion,
            "seed": (0, 1),
            "protocol": "scratch",
            "recipe": {"train_pairs": 64, "batch_size": 32, "val_pairs": 64, "objective": objective},
            "test_pairs": 64,
            "save": "all",
            "jobs": 0,
            "out": str(out),
        }
        run_sweep(load_config(given), ["bench", "run"], Console(quiet=True))
    return out


@pytest.fixture
def bench_report() -> Callable[..., Result]:
    """Runs ``report`` with arguments; exceptions such as ``UsageError`` come through."""
    app = typer.Typer()
    app.command()(report)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


@pytest.fixture
def bench_plot() -> Callable[..., Result]:
    """Runs ``plot`` with arguments; exceptions such as ``UsageError`` come through."""
    app = typer.Typer()
    app.command()(plot)
    return lambda *args: CliRunner().invoke(app, [str(arg) for arg in args], catch_exceptions=False)


def read_tables(markdown: str) -> list[list[dict[str, str]]]:
    """All tables of a Markdown text as a renderer sees them: rows by column header; bold text keeps its asterisks."""
    tables: list[list[dict[str, str]]] = []
    header: list[str] = []
    row: list[str] = []
    for token in MarkdownIt("commonmark").enable("table").parse(markdown):
        if token.type == "table_open":
            tables.append([])
            header = []
        elif token.type == "tr_open":
            row = []
        elif token.type == "inline" and token.level > 2 and tables:
            row.append(token.content)
        elif token.type == "tr_close":
            if header:
                tables[-1].append(dict(zip(header, row, strict=True)))
            else:
                header = row
    return tables


@pytest.fixture
def tables() -> Callable[[str], list[list[dict[str, str]]]]:
    return read_tables
