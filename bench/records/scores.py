"""Scores of pairs, read again: a file of arrays for each cell, and what they say of the draw of test pairs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import UsageError, in_a_line
from bench.metrics import Scored, metric_position
from bench.records.append import stored
from bench.records.folder import RunFolder
from bench.records.load import Run
from bench.records.record import Record
from bench.stats.pair_error import KNOWN, PairCovariances, Units, influence, nothing_shared, pair_covariances
from bench.stats.paired import NOTHING, Shared

Array = NDArray[np.float64]
PARTS = ("label", "cosine", "units")
ALL_PARTS = (*PARTS, "swapped")
# Of 4,000 test pairs each takes .4 MB.
MOST_KEPT = 256
# Mean influence of each test pair by metric, and the units that the pairs are of.
Influences = tuple[dict[str, Array], Units | None]


def read_scores(file: Path, names: Collection[str] | None = None) -> Mapping[str, NDArray[Any]]:
    """The arrays of a file of ``scores/`` by their names: all, or those of ``names`` that it has.

    Raises:
        UsageError: it is damaged, or an array is none of scores or does not fit its labels.
    """
    try:
        with np.load(file) as found:
            arrays = {name: found[name] for name in found.files if names is None or name in names}
    # Over damaged bytes numpy, zipfile and zlib raise a dozen kinds of errors.
    except Exception as error:
        raise UsageError(f"{file}: scores that cannot be read ({in_a_line(error)})") from None
    if problem := _problem(arrays):
        raise UsageError(f"{file}: {problem}")
    return arrays


def _problem(arrays: Mapping[str, NDArray[Any]]) -> str:
    """What keeps arrays from being scores of pairs; empty where nothing does."""
    for name, array in arrays.items():
        columns = (2,) if name.endswith("/units") else ()
        if array.dtype.kind not in "biuf" or array.ndim != 1 + len(columns) or array.shape[1:] != columns:
            return f"{name} is an array of {array.dtype} in the shape {array.shape}"
        if not name.endswith("/cosine") and not np.isfinite(array).all():
            return f"{name} holds what is not finite"
    for name in (label.removesuffix("/label") for label in arrays if label.endswith("/label")):
        lengths = {len(arrays[one]) for one in (name, *(f"{name}/{part}" for part in ALL_PARTS)) if one in arrays}
        if lengths == {0} or len(lengths) > 1:
            return f"{name} is of {' and '.join(map(str, sorted(lengths)))} pairs"
    return ""


class StoredScores:
    """What the draw of test pairs, which all seeds share, adds to the variance of means over them.

    Nothing where a seed has no scores that can be read, for a metric whose influences are not known, and for
    replicates, which have test pairs of their own.
    """

    def __init__(self, runs: Iterable[Run] = ()) -> None:
        self._files: dict[str, Path] = {}
        for run in runs:
            folder = RunFolder(run.folder).scores
            there = {file.stem: file for file in folder.glob("*.npz")}
            self._files |= {
                cell.key: there[cell.key] for cell in run.cells if cell.repeats == "seed" and cell.key in there
            }
        self._kept: OrderedDict[tuple[str, ...], Influences | None] = OrderedDict()

    def cover(self, cells: Collection[Record]) -> bool:
        """Whether there are scores of all ``cells``."""
        return bool(cells) and all(cell.key in self._files for cell in cells)

    def of_means(self, cells: Sequence[Record], domain: str) -> Mapping[str, Shared]:
        """What they add to the mean over ``cells`` of each metric; a metric that is not in it is not known."""
        means, units = self._mean(cells, domain) or ({}, None)
        if not means:
            return {}
        shared = pair_covariances(np.stack(list(means.values())), units)
        return {metric: shared.of(place) for place, metric in enumerate(means)}

    def know(self, cells: Sequence[Record], domain: str, metric: str) -> bool:
        """Whether they tell it of the mean over ``cells``."""
        found = self._mean(cells, domain)
        return found is not None and metric in found[0]

    def of_change(
        self, cells: Sequence[Record], before: StoredScores, old: Sequence[Record], domain: str, metric: str
    ) -> Shared:
        """What they add to the mean over ``cells`` minus that over ``old``, of which ``before`` has the scores; nothing
        where that is not known.

        Args:
            old: tested on the very same pairs.
        """
        now, then = self._mean(cells, domain), before._mean(old, domain)
        means = [found[0].get(metric) for found in (now, then) if found]
        new_mean, old_mean = means if len(means) == 2 else (None, None)
        if now is None or new_mean is None or old_mean is None or new_mean.shape != old_mean.shape:
            return NOTHING
        shared = pair_covariances((new_mean - old_mean)[None], now[1])
        return shared.of(0)

    def together(self, rows: Sequence[Sequence[Record]], domain: str, metric: str) -> PairCovariances:
        """How they move the means over each of ``rows`` together; nothing for rows of which that is not known."""
        means = [self._mean(cells, domain) for cells in rows] if self._files else []
        places = [place for place, mean in enumerate(means) if mean and metric in mean[0]]
        known = [mean for mean in means if mean and metric in mean[0]]
        shared = nothing_shared(len(rows))
        if not known or len({len(own[metric]) for own, _ in known}) > 1:
            return shared
        found = pair_covariances(np.stack([own[metric] for own, _ in known]), known[0][1])
        shared.products[np.ix_((0, 1), places, places)] = found.products
        return PairCovariances(shared.products, found.freedom)

    def _mean(self, cells: Sequence[Record], domain: str) -> Influences | None:
        """Mean influences over ``cells`` by metric, read once while there is room; None where they are not known for
        all of them."""
        if not self.cover(cells):
            return None
        place = (domain, *(cell.key for cell in cells))
        if place not in self._kept:
            self._kept[place] = self._read(cells, domain)
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[place]

    def _read(self, cells: Sequence[Record], domain: str) -> Influences | None:
        totals: dict[str, Array] = {metric: np.zeros(1) for metric in sorted(KNOWN)}
        units = None
        for cell in cells:
            name = stored(domain)
            try:
                arrays = read_scores(self._files[cell.key], [name, *(f"{name}/{part}" for part in PARTS)])
            except UsageError:
                return None
            if f"{name}/label" not in arrays:
                return None
            scored, units = _scored(arrays, name, cell.eval[domain].values), arrays.get(f"{name}/units")
            if len(next(iter(totals.values()), ())) not in (1, len(scored.label)):
                return None  # other test pairs
            for metric in totals:
                totals[metric] = totals[metric] + influence(metric, scored) / len(cells)
        return {metric: total for metric, total in totals.items() if not np.isnan(total).any()}, units


NO_SCORES = StoredScores()


def _scored(arrays: Mapping[str, NDArray[Any]], name: str, values: Sequence[float | None]) -> Scored:
    """What a model says of the pairs, as when it was tested."""
    known = [values[metric_position(which)] for which in ("threshold", "threshold_tuned")]
    threshold, tuned = (np.nan if value is None else value for value in known)
    scores, label = arrays[name].astype(float), arrays[f"{name}/label"].astype(int)
    return Scored(label, scores, scores, threshold, tuned, arrays.get(f"{name}/cosine"))
