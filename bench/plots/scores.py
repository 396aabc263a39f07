"""Histograms of the scores of same and of different pairs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UsageError
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import BLUE, GREY, ORANGE, columns_of, new_figure, room
from bench.records.entries import Entry
from bench.records.folder import RunFolder
from bench.records.load import Run
from bench.records.record import Record
from bench.records.scores import read_scores
from bench.records.sections import Section
from bench.stats.intervals import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST, COLUMNS = 8, 4
PANEL = 1.6  # the least inches of one


def score_files(runs: Sequence[Run]) -> dict[str, Path]:
    """The file of scores of each cell, by its key."""
    return {cell.key: RunFolder(run.folder).scores / f"{cell.key}.npz" for run in runs for cell in run.cells}


def draw_scores(section: Section, files: dict[str, Path], names: Sequence[str], bins: int) -> Figure:
    """A panel per fusion and evaluated domain: the fusions called ``names``, or the best; the first seed of each, or of
    those that collapsed where none finished.

    Args:
        section: with a single backbone.
        bins: of each histogram.
    """
    domains = [section.domain, *section.other_domains]
    entries = [one for one in section.ranked("fusion", "accuracy") if not names or one.group.fusion in names]
    cells = [cell for cell in (_first_scored(entry, files) for entry in entries) if cell]
    panels = list(_panels(cells[:MOST], files, domains))
    if not panels:
        raise NothingToDrawError(f"{section.title}: no scores with labels; runs of this version keep them in scores/")
    asked = len(domains) if len(domains) > 1 else min(COLUMNS, len(panels))
    width = max(3.4 * asked, 6.5)
    columns = columns_of(asked, PANEL, width)
    rows = -(-len(panels) // columns)
    note = f"scores of test pairs of one {section.repeats}; right of 0 the model says same"
    figure = new_figure(width, 1 + 1.9 * rows, section.title, note)
    axes = figure.subplots(rows, columns, squeeze=False).flat
    for axis, (name, scores, label) in zip(axes, panels, strict=False):
        _draw(axis, scores, label, bins)
        axis.set_title("\n".join(textwrap.wrap(name, room(figure.get_figwidth() / columns, 8))), fontsize=8)
    for axis in list(figure.axes)[len(panels) :]:
        axis.set_axis_off()
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    return figure


def _first_scored(entry: Entry, files: dict[str, Path]) -> Record | None:
    """The first cell with a file of scores; one that collapsed has scores, too, and its picture shows how."""
    collapsed = [cell for cell in entry.failed if cell.status == "collapsed"]
    return next((cell for cell in (*entry.finished, *collapsed) if files[cell.key].is_file()), None)


def _panels(
    cells: Sequence[Record], files: dict[str, Path], domains: Sequence[str]
) -> Iterator[tuple[str, Array, Array]]:
    for cell in cells:
        ended = "" if cell.status == "ok" else f" ({cell.status})"
        stored = read_scores(files[cell.key])
        for domain in domains:
            if f"{domain}/label" in stored:
                where = "" if domain == domains[0] else f" → {domain}"
                scores = stored[domain].astype(np.float64)
                yield f"{cell.fusion}{where}, {cell.repeats} {cell.seed}{ended}", scores, stored[f"{domain}/label"]


def _draw(axis: Axes, scores: Array, label: Array, bins: int) -> None:
    draw_histograms(axis, scores, label, bins)
    axis.axvline(0, color=GREY, linewidth=0.9, linestyle="--")


def draw_histograms(axis: Axes, values: Array, label: Array, bins: int) -> None:
    """Values (N,) of same and of different pairs, each as a histogram."""
    # Few extreme scores would squeeze all others into one bin.
    low, high = np.quantile(values, [0.002, 0.998])
    edges = np.linspace(low, high if high > low else low + 1, bins + 1).tolist()
    shown = np.clip(values, edges[0], edges[-1])
    axis.hist(shown[label == 1], edges, color=BLUE, alpha=0.6, label="same")
    axis.hist(shown[label == 0], edges, color=ORANGE, alpha=0.6, label="different", hatch="////", edgecolor="white")
    axis.set_yticks([])
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right", "left"]].set_visible(False)


@register_plot
class Scores(Plot):
    """Histograms of the scores of same and different pairs, one seed or replicate.

    Args:
        bins: of each histogram.
    """

    name = "scores"
    needs = "records"

    def __init__(self, bins: int = 39) -> None:
        if bins < 1:
            raise UsageError(f"plot scores: bins = {bins}: expected at least 1")
        self._bins = bins

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        files = score_files(source.runs)
        return [
            (section.title, partial(draw_scores, section, files, fusions, self._bins))
            for section in source.sections_by_backbone
        ]
