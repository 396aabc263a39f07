"""Trials: the same recipes for every fusion, what validation said of each, and which recipe is chosen by it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.errors import UsageError
from bench.metrics import METRICS, NEITHER, validation_metrics
from bench.records.folder import RunFolder, latest
from bench.records.record import DetailedRecord
from bench.sweep.config import FEWEST_TEST_PAIRS, SweepConfig
from bench.sweep.config_values import MOST_SEEDS
from bench.sweep.plan import make_plan
from bench.tune.space import Point, Space, grid, points

# What diverges or collapses has been tried, and is an answer.
ANSWERS = frozenset({"ok", "not_applicable", "diverged", "collapsed"})


class Subject(NamedTuple):
    """What a recipe is chosen for. Sorts by table."""

    domain: str
    backbone: str
    fusion: str


@dataclass(frozen=True)
class Trial:
    """A recipe that every fusion is given: ``point`` laid over the default one, which is trial 0 and has none."""

    number: int
    point: Point

    def __str__(self) -> str:
        return ", ".join(f"{name}={written(value)}" for name, value in self.point.items()) or "default"


@dataclass(frozen=True)
class Outcome:
    """What a trial of a subject came to.

    Attributes:
        value: of the metric on the validation pairs, mean over its replicates; nan where one of them has none.
        status: of the first replicate that has none, else ``ok``.
    """

    trial: Trial
    value: float
    status: str


@dataclass(frozen=True)
class Tuned:
    """The outcomes of a subject, the default recipe first, and the best of them; None where no trial has a value."""

    subject: Subject
    outcomes: tuple[Outcome, ...]
    best: Outcome | None

    @property
    def is_changed(self) -> bool:
        """Whether another recipe than the default one was chosen."""
        return self.best is not None and self.best.trial.number > 0

    @property
    def failed(self) -> list[str]:
        """The statuses of trials without a value."""
        return [outcome.status for outcome in self.outcomes if math.isnan(outcome.value)]


def check_metric(select: str) -> int:
    """The direction of the metric that trials are judged by.

    Raises:
        UsageError: it is unknown, neither direction is better, or it is not measured on validation pairs.
    """
    direction = METRICS.get(select).direction
    if direction == NEITHER:
        raise UsageError(f"--select {select}: more is neither better nor worse, so nothing can be chosen by it")
    if select not in validation_metrics():
        raise UsageError(f"--select {select}: validation pairs are scored in one order, so it is not known of them")
    return direction


def trials_of(space: Space, count: int | None) -> list[Trial]:
    """The default recipe and so many others that there are ``count`` in all; with None all of a grid."""
    others = grid(space) if count is None else points(space, count - 1)
    return [Trial(number, point) for number, point in enumerate([{}, *others])]


def trial_configs(config: SweepConfig, trials: Sequence[Trial], replicates: int) -> list[SweepConfig]:
    """A configuration for each trial, on replicates that ``config`` cannot have: there are fewer of them.

    Trials see a test set, as every cell does, but hardly any of it; nothing here reads what they scored there.
    """
    same = {
        "replicates": replicates,
        "first_replicate": config.first_replicate + MOST_SEEDS,
        "test_pairs": FEWEST_TEST_PAIRS,
        "eval": (),
        "out": str(Path(config.out, "trials", "run")),
    }
    return [config.model_copy(update={**same, "recipe": {**config.recipe, **one.point}}) for one in trials]


def read_trials(configs: Sequence[SweepConfig], trials: Sequence[Trial], select: str) -> list[Tuned]:
    """What the records of trials say, and the best by validation: of several the first, so the default one if it is
    among them. What is applicable under none of the recipes is left out.

    Args:
        configs: of the ``trials``, from :func:`trial_configs`.
    """
    direction = check_metric(select)
    known = latest(RunFolder(Path(configs[0].out)).records(DetailedRecord))
    found: dict[Subject, list[Outcome]] = {}
    for trial, config in zip(trials, configs, strict=True):
        for subject, records in by_subject(config, known).items():
            found.setdefault(subject, []).append(_outcome(trial, records, select))
    tuned = []
    for subject, outcomes in sorted(found.items()):
        if any(outcome.status != "not_applicable" for outcome in outcomes):
            valued = [outcome for outcome in outcomes if not math.isnan(outcome.value)]
            best = max(valued, key=lambda outcome: direction * outcome.value, default=None)
            tuned.append(Tuned(subject, tuple(outcomes), best))
    return tuned


def by_subject(
    config: SweepConfig, known: Mapping[str, DetailedRecord]
) -> dict[Subject, dict[int, DetailedRecord | None]]:
    """The records of the cells of a configuration by what they are of and the number of the replicate; None of those
    that are not done."""
    found: dict[Subject, dict[int, DetailedRecord | None]] = {}
    for planned in make_plan(config, known).cells:
        cell = planned.cell
        subject = Subject(cell.name_of(cell.domain), str(cell.backbone), str(cell.fusion))
        found.setdefault(subject, {})[cell.seed] = known.get(planned.key)
    return found


def _outcome(trial: Trial, records: Mapping[int, DetailedRecord | None], select: str) -> Outcome:
    values, statuses = [], []
    for record in records.values():
        value = record.validation.get(select) if record and record.status == "ok" else None
        values.append(math.nan if value is None else value)
        statuses += [record.status if record else "not run"] if value is None else []
    mean = sum(values) / len(values)
    status = statuses[0] if statuses else "ok"
    return Outcome(trial, mean, f"no {select}" if status == "ok" and math.isnan(mean) else status)


def written(value: object) -> str:
    """A value of a recipe, as trials and pictures name it."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def tested(records: Mapping[int, DetailedRecord | None], domain: str, position: int) -> Iterator[tuple[int, float]]:
    """The replicates with a value of the metric at ``position`` on the test pairs of ``domain``, with that value."""
    for number, record in records.items():
        if record is not None and record.status == "ok" and domain in record.eval:
            value = record.eval[domain].values[position]
            if value is not None:
                yield number, value
