"""Warm-ups of a domain whose images are told apart at a glance, in a cache of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.domain import Domain, Images, Pairs, Split
from bench.training.recipe import WarmupRecipe
from bench.training.warmup import Warmup, ensure
from bench.training.warmup import train as training

Ask = Callable[..., Warmup]


@dataclass
class Call:
    split: Split
    seed: int
    n: int
    start: int
    easy: bool


class Primaries(Domain):
    """Names red, green and blue; the first two pixels of an image hold its number."""

    name, version = "primaries", 1
    classes, warmup_classes = ("circle", "square"), ("red", "green", "blue")

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        raise AssertionError("a warm-up has no business with the pairs of the task")

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        self.calls.append(Call(split, seed, n, start, easy))
        number = torch.arange(start, start + n)
        named = (number * 7919 + number // 3 + seed) % 3
        pixels = torch.full((n, 3, 32, 32), 40, dtype=torch.uint8)
        pixels[torch.arange(n), named] = (150 + number % 100).to(torch.uint8)[:, None, None]
        pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = (number // 256).to(torch.uint8), (number % 256).to(torch.uint8)
        return Images(pixels, {"class": named})


@pytest.fixture
def primaries() -> Primaries:
    return Primaries()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(training, "CHUNK", 128)
    monkeypatch.setattr(training, "HELD_OUT", 96)
    return tmp_path / "cache" / "warmups"


@pytest.fixture
def ask(primaries: Primaries) -> Ask:
    """Ask for a warm-up by its identity, by default one of the task, with recipe fields that differ from tiny ones."""

    def make(
        identity: dict[str, Any] | None = None,
        seed: int = 0,
        domain: Domain | None = None,
        on_progress: Callable[..., None] = lambda share, history: None,
        task: str = "names",
        **recipe: Any,
    ) -> Warmup:
        asked = identity or {"task": task, "backbone": {"name": "mobilenetv3_small_32"}, "seed": 0}
        options = WarmupRecipe(**{"images": 128, "batch_size": 32, **recipe})
        return ensure(asked, task, "mobilenetv3_small_32", domain or primaries, options, seed, on_progress)

    return make
