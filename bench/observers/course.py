"""What trackers plot and list of a cell, by the names that all of them use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bench.metrics import metric_names
from bench.records.record import DetailedRecord

SETTINGS = "fusion", "backbone", "domain", "seed", "repeats", "protocol", "warmup", "recipe", "recipe_id"
# Of a check during training.
VALIDATION = "loss", "auc", "f1", "precision", "recall", "threshold"


class Point(NamedTuple):
    """A number by its name, at so many pairs of training."""

    name: str
    value: float
    seen: int


def points(record: DetailedRecord) -> list[Point]:
    """Every number of a record: the course of training, then what came out and what it cost."""
    seen = record.curve[-1][0] if record.curve else 0
    tested = {domain: dict(zip(metric_names(), found.values, strict=True)) for domain, found in record.eval.items()}
    sides: dict[str, Mapping[str, object]]
    sides = {"validation": record.validation, "cost": {**record.cost}, "seconds": {**record.times}}
    return [*course(record.curve, record.checks), *results(tested, seen), *results(sides, seen)]


def settings(record: DetailedRecord) -> dict[str, str | int | float | bool]:
    """What a record was asked for: names, warm-up, recipe."""
    return flat({name: getattr(record, name) for name in SETTINGS})


def course(curve: Sequence[tuple[int, float, float]], checks: Iterable[Mapping[str, Any]]) -> Iterator[Point]:
    """Every number that was taken while a cell trained: ``train/``, and where it was watched ``val/`` and, by layer,
    ``gradients/``."""
    for seen, loss, accuracy in curve:
        yield Point("train/loss", loss, seen)
        yield Point("train/accuracy", accuracy, seen)
    for check in checks:
        for name in VALIDATION:
            if (value := check.get(name)) is not None:
                yield Point(f"val/{name}", value, check["pairs"])
        for layer, norm in check["gradients"].items():
            yield Point(f"gradients/{layer}", norm, check["pairs"])


def results(metrics: Mapping[str, Mapping[str, Any]], seen: int) -> Iterator[Point]:
    """Every metric of every domain tested on, after training on ``seen`` pairs."""
    for domain, found in metrics.items():
        for name, value in found.items():
            if isinstance(value, int | float):
                yield Point(f"{domain}/{name}", value, seen)


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, str | int | float | bool]:
    """Settings within settings as one mapping, such as ``recipe.lr``; what is no number becomes text."""
    told: dict[str, str | int | float | bool] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            told |= flat(value, f"{prefix}{name}.")
        else:
            told[f"{prefix}{name}"] = value if isinstance(value, int | float) else _text(value)
    return told


def _text(value: object) -> str:
    if isinstance(value, Mapping) or value is None:
        return "none"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
