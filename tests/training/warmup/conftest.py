"""Warm-ups of a domain whose images are told apart at a glance, in a cache of their own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.domain import Domain, Images, Pairs, Split, build_domain, register_domain
from bench.training.warmup import Warmup, WarmupSpec
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
def primaries(registries: None) -> Primaries:
    domain = build_domain(register_domain(Primaries).name)
    assert isinstance(domain, Primaries)
    domain.calls.clear()
    return domain


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(training, "CHUNK", 128)
    monkeypatch.setattr(training, "HELD_OUT", 96)
    return tmp_path / "cache" / "warmups"


@pytest.fixture
def spec(primaries: Primaries) -> Callable[..., WarmupSpec]:
    """A tiny warm-up, with recipe fields that differ."""

    def make(task: str = "names", seed: int = 0, domain: str = "primaries", **recipe: Any) -> WarmupSpec:
        options = {"images": 128, "batch_size": 32, **recipe}
        return WarmupSpec.declared(task, "mobilenetv3_small_32", domain, options, seed)

    return make


@pytest.fixture
def ask(spec: Callable[..., WarmupSpec]) -> Ask:
    """Ask for a tiny warm-up."""

    def make(on_progress: Callable[..., None] = lambda share, history: None, **what: Any) -> Warmup:
        return spec(**what).ensure(on_progress)

    return make


@pytest.fixture
def ask_again(ask: Ask, cache: Path) -> Ask:
    """Ask for one that is not in the cache, whatever was asked before."""

    def make(**what: Any) -> Warmup:
        shutil.rmtree(cache, ignore_errors=True)
        return ask(**what)

    return make
