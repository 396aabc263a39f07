"""What a race is asked, and what it has spent: kept beside its records, so that the same command goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.atomic import write_text_atomically
from bench.errors import UsageError
from bench.metrics import METRICS, NEITHER, SHARE, validation_metrics
from bench.records.columns import choose_one
from bench.records.folder import PLAIN
from bench.sweep.config import SweepConfig, seconds
from bench.text import without_home

Cost = Literal["none", "infer_ms", "params"]
COSTS: tuple[Cost, ...] = ("none", "infer_ms", "params")
FILE = "race.json"
SCREENING, FINALISTS, TEST = "screening", "finalists", "test"
# What decides who wins. The budget, where cells run and what is cheap among equals may change when a race goes on.
ASKED = (
    "fusion", "backbone", "domain", "protocol", "warmup", "warmup_seed", "test_pairs", "recipe", "warmup_recipe",
    "domain_params", "include", "equivalence_margin",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """Which fusion suits this domain?

    Attributes:
        sweep: domain, backbone, fusions, recipes, and where cells run.
        budget: seconds. select: metric of the validation pairs that decides. cost: what decides among equals.
        finalists: how many are fine-tuned at most. baseline: fusion that is tested beside the best, whatever it scored.
    """

    sweep: SweepConfig
    budget: float
    select: str
    cost: Cost
    finalists: int
    baseline: str

    @property
    def out(self) -> Path:
        """Folder of the race."""
        return Path(self.sweep.out)

    @property
    def direction(self) -> int:
        """1 if higher is better, -1 if lower."""
        return METRICS.get(self.select).direction

    @property
    def margin(self) -> float:
        """Difference of no interest, in the unit of the metric: points are hundredths."""
        return self.sweep.equivalence_margin / 100

    @property
    def scale(self) -> int:
        """What differences are multiplied by to be points of a share."""
        return 100 if METRICS.get(self.select).unit == SHARE else 1

    def minutes(self, seconds: float) -> str:
        """Seconds of the race, or its budget, as they are told: all with the same digits, more of a short race."""
        return f"{seconds / 60:.{1 if self.budget >= 120 else 2}f}"

    def identity(self) -> dict[str, Any]:
        """All that decides who wins."""
        asked = {name: getattr(self.sweep, name) for name in ASKED}
        own = {"select": self.select, "finalists": self.finalists, "baseline": self.baseline}
        return dict(json.loads(without_home(json.dumps({**asked, **own}))))


def read_question(sweep: SweepConfig, budget: str, select: str, cost: str, finalists: int, baseline: str) -> Question:
    """Check what was asked.

    Raises:
        UsageError: several domains or backbones, a budget that is none, a metric that validation does not have.
    """
    for name in ("domain", "backbone"):
        if len(getattr(sweep, name)) != 1:
            raise UsageError(f"--{name} {','.join(getattr(sweep, name))}: a race is run on one {name}; expected one")
    if sweep.protocol == "scratch":
        raise UsageError("--protocol scratch: a race screens on a backbone with a warm-up; expected finetune or frozen")
    try:
        allowed = seconds(budget)
    except ValueError as error:
        raise UsageError(f"--budget: {error}") from None
    assert allowed is not None
    metric = choose_one(select, _selectable(), "--select")
    chosen = choose_one(cost, COSTS, "--cost")
    return Question(sweep, allowed, metric, next(one for one in COSTS if one == chosen), finalists, baseline)


def _selectable() -> list[str]:
    """Metrics of validation pairs with a better direction."""
    return [name for name in validation_metrics() if METRICS.get(name).direction != NEITHER]


@dataclass
class Clock:
    """Seconds that a race has taken, over all the times that it was gone on with.

    Attributes:
        cells: a key for each fusion, which tells its code and the images that it sees from others of the same names.
        before: of earlier sessions. counted: up to the last sweep that ended.
        longest: the longest that one replicate of a stage has taken.
    """

    question: Question
    cells: Mapping[str, str]
    before: float = 0.0
    counted: float = 0.0
    longest: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=lambda: time.monotonic())

    @classmethod
    def of(cls, question: Question, cells: Mapping[str, str]) -> Clock:
        """The clock of a race, new or gone on with.

        Raises:
            UsageError: its folder holds a race that was asked something else, one on other images or of other code,
                or one that cannot be read.
        """
        known = _read(question.out / FILE)
        if not known:
            if any((question.out / stage / PLAIN).exists() for stage in (SCREENING, FINALISTS, TEST)):
                raise UsageError(
                    f"--out {question.out}: holds records of a race without its {FILE}; choose another --out"
                )
            return cls(question, cells)
        own = question.identity()
        for name, value in own.items():
            if name not in known["question"] or known["question"][name] != value:
                before = json.dumps(known["question"].get(name))
                raise UsageError(
                    f"--out {question.out}: holds a race with {name} {before}, not {json.dumps(value)}; choose another "
                    "--out, or ask the same"
                )
        if others := [name for name, key in known["cells"].items() if cells.get(name) != key]:
            what = (
                "other images or of other code" if len(others) == len(cells) else f"other code of {', '.join(others)}"
            )
            raise UsageError(f"--out {question.out}: holds a race on {what}; choose another --out")
        return cls(question, cells, known["seconds"], known["seconds"], known["longest"])

    @property
    def spent(self) -> float:
        """Seconds so far."""
        return self.before + time.monotonic() - self.started

    def took(self, stage: str, seconds: float) -> None:
        """Note that a replicate of a stage takes so long, or longer."""
        self.longest[stage] = max(seconds, self.longest.get(stage, 0.0))

    def count(self) -> None:
        """Note what was spent up to now."""
        self.counted = self.spent
        self.keep()

    def keep(self) -> None:
        """Write down what was asked and spent.

        Raises:
            StorageError: the folder cannot be written to.
        """
        facts = {
            "question": self.question.identity(),
            "cells": dict(self.cells),
            "seconds": self.counted,
            "longest": self.longest,
        }
        write_text_atomically(self.question.out / FILE, json.dumps(facts, indent=1) + "\n")

    def replicates_that_fit(self, stage: str, share: float, wanted: int) -> int:
        """How many of the ``wanted`` replicates of a stage end within a ``share`` of the budget; of a stage of which
        none is known a first one, if there is any time."""
        rest = share * self.question.budget - self.spent
        if stage not in self.longest:
            return 1 if rest > 0 else 0
        return max(0, min(wanted, int(rest / max(self.longest[stage], 1e-9))))


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        content = None
    is_whole = (
        isinstance(content, dict)
        and all(isinstance(content.get(name), dict) for name in ("question", "cells", "longest"))
        and isinstance(content.get("seconds"), float)
    )
    if not is_whole:
        raise UsageError(f"{file}: not readable as the clock of a race; choose another --out")
    assert isinstance(content, dict)
    return content
