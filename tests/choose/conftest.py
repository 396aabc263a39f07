"""Races that take no time: sweeps write made-up records, and the clock is theirs."""

from __future__ import annotations

import hashlib
import io
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from bench.choose import question, stages
from bench.choose.question import Question, read_question
from bench.choose.stages import State, race
from bench.sweep.config import SweepConfig, load_config

TINY: dict[str, Any] = {
    "fusion": "abs_diff,concat,hadamard,sum",
    "domain": "color",
    "protocol": "frozen",
    "test_pairs": 32,
    "recipe": {"train_pairs": 64, "batch_size": 16, "val_pairs": 64},
    "warmup_recipe": {"images": 128, "batch_size": 32},
    "jobs": 0,
    "device": "cpu",
}
Ask = Callable[..., Question]
Run = Callable[..., State]


class Sweeps:
    """What stands in for sweeps: each writes a record per cell and takes two seconds for it, and four
    for the warm-up of a replicate.

    Attributes:
        levels: mean score by fusion; 0.8 where none is named.
        costs: of a fusion whose costs are its own. failing: cells without a result, by fusion and number.
        asked: the stage, fusions and replicates of each sweep.
        interrupted_at: the number of the replicate in which Ctrl-C comes. lost: seconds after which it comes.
        warmup: seconds of that of a replicate, where it has to be computed. ready: replicates whose was before.
    """

    def __init__(self, record: Callable[..., dict[str, Any]]) -> None:
        self.levels: dict[str, float] = {}
        self.costs: dict[str, dict[str, float]] = {}
        self.failing: dict[tuple[str, int], str] = {}
        self.asked: list[tuple[str, tuple[str, ...], tuple[int, ...]]] = []
        self.interrupted_at: int | None = None
        self.now, self.warmup, self.lost = 0.0, 4.0, 0.0
        self.ready = set[int]()
        self._record = record

    def forget(self) -> None:
        """Take as long as at first, for another race."""
        self.now, self.ready = 0.0, set()

    def __call__(self, config: SweepConfig, command: Sequence[str], console: Console) -> int:
        folder = Path(config.out)
        folder.mkdir(parents=True, exist_ok=True)
        self.asked.append((folder.name, config.fusion, config.repetitions))
        (folder / "run.json").write_text(json.dumps({"schema": 1, "config": config.model_dump()}))
        with (folder / "records.jsonl").open("a") as file:
            for number in config.repetitions:
                for fusion in config.fusion:
                    if number == self.interrupted_at and fusion == config.fusion[-1]:
                        self.now += self.lost
                        return 130
                    file.write(json.dumps(self._cell(config, fusion, number)) + "\n")
                self.now += 2 * len(config.fusion) + (0 if number in self.ready else self.warmup)
                self.ready.add(number)
        return 0

    def _cell(self, config: SweepConfig, fusion: str, number: int) -> dict[str, Any]:
        common = random.Random(number).gauss(0, 0.02)
        score = self.levels.get(fusion, 0.8) + common + random.Random(f"{fusion} {number}").gauss(0, 0.002)
        fields: dict[str, Any] = {
            "repeats": "replicate",
            "protocol": config.protocol,
            "key": hashlib.sha256(f"{fusion} {number} {config.test_pairs}".encode()).hexdigest()[:16],
            "times": {"total": 2.0},
            "warmup": {"task": "names", "seconds": self.warmup},
        }
        if (fusion, number) in self.failing:
            return self._record(fusion, number, status="diverged", message=self.failing[fusion, number], **fields)
        made = self._record(fusion, number, score, validation={"auc": score, "brier": 1 - score}, **fields)
        made["cost"] |= self.costs.get(fusion, {})
        return made


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., str]:
    """Writes pairs that share no image and returns the domain: a name, the labels, and the split of each or none."""

    def write(name: str, labels: Sequence[int], splits: Sequence[str] = ()) -> str:
        pixels = np.random.default_rng(len(labels)).integers(0, 256, (2 * len(labels), 8, 8, 3), dtype=np.uint8)
        rows = ["a,b,label" + (",split" if splits else "")]
        for number, label in enumerate(labels):
            files = [f"{name}-{number}{side}.png" for side in "ab"]
            for file, one in zip(files, pixels[2 * number :], strict=False):
                Image.fromarray(one).save(tmp_path / file)
            rows.append(",".join([*files, str(label), *splits[number : number + 1]]))
        (tmp_path / f"{name}-list.csv").write_text("\n".join(rows))
        return f"pairs:{tmp_path}/{name}-list.csv"

    return write


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch, record: Callable[..., dict[str, Any]]) -> Sweeps:
    """Sweeps that are made up, and the time that they take."""
    fake = Sweeps(record)
    monkeypatch.setattr(stages, "run_sweep", fake)
    monkeypatch.setattr(question, "time", SimpleNamespace(monotonic=lambda: fake.now))
    return fake


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """A question with some settings changed, of the race as of its sweeps."""

    def make(**changes: Any) -> Question:
        own = {"budget": "10m", "select": "auc", "cost": "none", "finalists": 2, "baseline": "concat"}
        own = {name: changes.pop(name, value) for name, value in own.items()}
        return read_question(load_config({**TINY, "out": str(tmp_path / "race"), **changes}), **own)

    return make


@pytest.fixture
def run(ask: Ask) -> Run:
    """Run a race, or go on with it."""
    return lambda **changes: race(ask(**changes), ["bench", "choose"], Console(file=io.StringIO(), width=200))
