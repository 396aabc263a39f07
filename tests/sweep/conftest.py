"""Sweeps that take seconds."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.guard import PLUGIN_NAMESPACE
from bench.records.lines import read_lines
from bench.records.record import parse
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.run import run_sweep

TINY: dict[str, Any] = {
    "fusion": "abs_diff",
    "domain": "color",
    "eval": ["color"],
    "seed": "0",
    "protocol": "scratch",
    "test_pairs": 32,
    "recipe": {"train_pairs": 64, "batch_size": 16, "val_pairs": 32},
    "warmup_recipe": {"images": 128, "batch_size": 32},
    "jobs": 0,
    "device": "cpu",
}


def settings(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Those that changes are made to: without a seed where replicates are asked for."""
    return {name: value for name, value in TINY.items() if name != "seed" or "replicates" not in changes}


# A fusion with one weight; what is written behind it says how it fails.
BASE = '''
import os, signal, time


class Base(Fusion):
    """Test."""
    family, needs, symmetric, paper, head = "test", "embedding", False, "none", "score"

    def __init__(self, spec):
        super().__init__(1)
        self.weight = torch.nn.Parameter(torch.ones(spec.dim))


'''
DEADLY = '''
@register
class Dies(Base):
    """Kills its process while it trains."""
    name = "test_dies"
    def forward(self, a, b):
        if self.training:
            os.kill(os.getpid(), signal.SIGKILL)
        return (a * self.weight).sum(1)


@register
class Sleeps(Base):
    """Never ends."""
    name = "test_sleeps"
    def forward(self, a, b):
        if self.training:
            time.sleep(600)
        return (a * self.weight).sum(1)
'''

Record = dict[str, Any]  # as it is written
Sweep = Callable[..., tuple[int, list[Record], str]]


@pytest.fixture(autouse=True)
def _forget_plug_ins(registries: None) -> Iterator[None]:
    """Plug-ins of one test are unknown to the next, and loaded afresh if they come back."""
    yield
    for name in [name for name in sys.modules if name.startswith(f"{PLUGIN_NAMESPACE}.include_")]:
        del sys.modules[name]


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., SweepConfig]:
    """A configuration of a tiny sweep with some settings changed."""

    def make(**changes: Any) -> SweepConfig:
        return load_config({**settings(changes), "out": str(tmp_path / "run"), **changes})

    return make


@pytest.fixture
def sweep(tiny: Callable[..., SweepConfig]) -> Sweep:
    """Run a tiny sweep; returns its exit code, all records of its folder as written, and what it printed."""

    def run(**changes: Any) -> tuple[int, list[Record], str]:
        config = tiny(**changes)
        printed = io.StringIO()
        code = run_sweep(config, ["bench", "run"], Console(file=printed, width=200))
        return code, written_in(Path(config.out)), printed.getvalue()

    return run


def written_in(folder: Path) -> list[Record]:
    file = folder / "records.jsonl"
    return [parse(*line) for line in read_lines(file)] if file.exists() else []


@pytest.fixture
def written() -> Callable[[Path], list[Record]]:
    """All complete records of a run folder as they are written."""
    return written_in


@pytest.fixture
def measured() -> Callable[[Record], Record]:
    """A record without what depends on the clock."""

    def strip(record: Record) -> Record:
        kept = {key: value for key, value in record.items() if key not in ("times", "finished")}
        rates = ("train_pairs_per_s", "infer_pairs_per_s")
        return {**kept, "cost": {key: value for key, value in record["cost"].items() if key not in rates}}

    return strip


@pytest.fixture
def weighted(plugin: Callable[..., Path]) -> Callable[[str, str], Path]:
    """Writes a plug-in of a name: classes derived from ``Base``, a fusion with one weight."""

    def write(name: str, classes: str) -> Path:
        return plugin(BASE + classes, name=name, load=False)

    return write


@pytest.fixture
def deadly(weighted: Callable[[str, str], Path]) -> Path:
    """A plug-in whose fusions kill their process or never end."""
    return weighted("deadly", DEADLY)
