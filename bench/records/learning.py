"""Learning curves: what was measured against the pairs seen, over seeds, read from the records again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.records.entries import Entry
from bench.records.facts import CheckFacts
from bench.records.folder import RunFolder, latest
from bench.records.load import Run
from bench.records.record import DetailedRecord, Group
from bench.stats.intervals import Array, Estimates, estimate

Values = Sequence[float]
Points = Mapping[float, Values]


@dataclass(frozen=True)
class Checked:
    """What was seen on validation pairs during training, all of shape (checks,); gradients by layer."""

    pairs: Array
    loss: Estimates
    f1: Estimates
    gradients: Mapping[str, Estimates]


@dataclass(frozen=True)
class Learning:
    """The course of training of one entry, all of shape (points,): ``pairs`` seen, and estimates over seeds.

    Attributes:
        checked: the same on validation pairs; None where nothing was watched.
    """

    pairs: Array
    loss: Estimates
    accuracy: Estimates
    checked: Checked | None = None


def learning_of(runs: Iterable[Run], entries: Iterable[Entry]) -> dict[Group, Learning]:
    """Learning curves of the entries that have any."""
    wanted = {cell.key: entry.group for entry in entries for cell in entry.finished}
    records = {
        key: record
        for run in runs
        for key, record in latest(RunFolder(run.folder).records(DetailedRecord)).items()
        if key in wanted and record.curve
    }
    found: dict[Group, list[DetailedRecord]] = {}
    for key, group in wanted.items():
        if key in records:
            found.setdefault(group, []).append(records[key])
    return {group: _learning(seeds) for group, seeds in found.items()}


def _learning(seeds: Sequence[DetailedRecord]) -> Learning:
    pairs, (loss, accuracy) = _over_seeds([{seen: values for seen, *values in seed.curve} for seed in seeds])
    return Learning(pairs, loss, accuracy, _checked([seed.checks for seed in seeds if seed.checks]))


def _checked(seeds: Sequence[Sequence[CheckFacts]]) -> Checked | None:
    if not seeds:
        return None
    layers = tuple(dict.fromkeys(layer for seed in seeds for check in seed for layer in check["gradients"]))
    pairs, (loss, f1, *gradients) = _over_seeds(
        [
            {
                check["pairs"]: (
                    check["loss"],
                    check["f1"],
                    *(check["gradients"].get(layer, np.nan) for layer in layers),
                )
                for check in seed
            }
            for seed in seeds
        ]
    )
    return Checked(pairs, loss, f1, dict(zip(layers, gradients, strict=True)))


def _over_seeds(curves: Sequence[Points]) -> tuple[Array, list[Estimates]]:
    """The pairs seen at all points (P,), and over seeds each of the values (P,) that stand at one."""
    pairs = sorted({at for curve in curves for at in curve})
    width = len(next(iter(curves[0].values())))
    nothing = (np.nan,) * width
    values = np.array([[curve.get(at, nothing) for at in pairs] for curve in curves])
    return np.array(pairs, dtype=float), [estimate(values[..., which]) for which in range(width)]
