"""Learning curves: training loss and accuracy against the pairs seen, over seeds, read from the records again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.records.entries import Entry
from bench.records.folder import RunFolder, latest
from bench.records.load import Run
from bench.records.record import DetailedRecord, Group
from bench.stats.intervals import Array, Estimates, estimate

Points = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Learning:
    """The course of training of one entry, all of shape (points,): ``pairs`` seen, and estimates over seeds."""

    pairs: Array
    loss: Estimates
    accuracy: Estimates


def learning_of(runs: Iterable[Run], entries: Iterable[Entry]) -> dict[Group, Learning]:
    """Learning curves of the entries that have any."""
    wanted = {cell.key: entry.group for entry in entries for cell in entry.finished}
    curves: dict[str, Points] = {}
    for run in runs:
        for key, record in latest(RunFolder(run.folder).records(DetailedRecord)).items():
            if key in wanted and record.curve:
                curves[key] = record.curve
    found: dict[Group, list[Points]] = {}
    for key, group in wanted.items():
        if key in curves:
            found.setdefault(group, []).append(curves[key])
    return {group: _over_seeds(points) for group, points in found.items()}


def _over_seeds(curves: Sequence[Points]) -> Learning:
    pairs = sorted({point[0] for curve in curves for point in curve})
    by_pairs: list[Mapping[float, Sequence[float]]] = [{point[0]: point[1:] for point in curve} for curve in curves]
    loss, accuracy = (
        estimate(np.array([[curve[at][which] if at in curve else np.nan for at in pairs] for curve in by_pairs]))
        for which in (0, 1)
    )
    return Learning(np.array(pairs, dtype=float), loss, accuracy)
