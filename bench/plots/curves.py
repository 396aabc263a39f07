"""Learning curves: loss and accuracy on the training pairs against the pairs seen, beside those on validation pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import COLORS, LINES, LINES_OF_REFERENCES, add_legend, columns_of, interval_over, new_figure
from bench.records.entries import Entry
from bench.records.learning import Learning, learning_of
from bench.records.record import Group
from bench.records.sections import Section
from bench.stats.intervals import Array, Estimates
from bench.text import human

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
WIDTH, PANEL = 10.0, 3.0  # inches: of the picture, and the least of a panel
BESIDE = 7.5  # inches of a picture with room for the names beside the panels


def learned(section: Section, metric: str, names: Sequence[str]) -> list[Entry]:
    """The entries whose curves are drawn, best first: fusions called ``names``, or the best; then the references.

    No more than ``MOST`` fusions, however many there are.
    """
    fusions = [entry for entry in section.ranked("fusion", metric) if entry.finished]
    chosen = [entry for entry in fusions if not names or entry.group.fusion in names]
    return [*chosen[:MOST], *(entry for entry in section.references() if entry.finished)]


def styles(entries: Sequence[Entry]) -> dict[str, tuple[str, str]]:
    """Colour and line of each entry by its name; references are black."""
    fusions = [entry.group.fusion for entry in entries if entry.role == "fusion"]
    references = [entry.group.fusion for entry in entries if entry.role == "reference"]
    found = {
        name: (COLORS[place % len(COLORS)], LINES[place // len(COLORS) % len(LINES)])
        for place, name in enumerate(fusions)
    }
    lines = {name: LINES_OF_REFERENCES[place % len(LINES_OF_REFERENCES)] for place, name in enumerate(references)}
    return found | {name: ("black", line) for name, line in lines.items()}


def draw_curves(section: Section, curves: Mapping[Group, Learning], metric: str, names: Sequence[str]) -> Figure:
    """Loss and accuracy of a section with one backbone; a line per fusion, a band for the interval, and points where
    training was watched."""
    entries = [entry for entry in learned(section, metric, names) if entry.group in curves]
    if not entries:
        raise NothingToDrawError(f"{section.title}: no learning curves in the records")
    fusions = sum(entry.role == "fusion" for entry in section.entries)
    where = "on the training pairs"
    if any(curves[entry.group].checked for entry in entries):
        where = "lines: on the training pairs; points: on validation pairs, with their best F1"
    note = f"{where}; mean, band: {interval_over(section.repeats)}; best {MOST} of {fusions} fusions"
    looks = styles(entries)
    columns = columns_of(2, PANEL, WIDTH)
    height = 4.6 if columns == 2 else 5.0 + 0.15 * len(looks)
    figure = new_figure(WIDTH, height, section.title, note if not names and fusions > MOST else note.rpartition(";")[0])
    left, right = figure.subplots(2 // columns, columns).flat
    for entry in entries:
        color, line = looks[entry.group.fusion]
        found = curves[entry.group]
        _draw(left, found.pairs, found.loss, color, line, "")
        _draw(right, found.pairs, found.accuracy, color, line, entry.group.fusion)
        if found.checked:
            for axis, values in ((left, found.checked.loss), (right, found.checked.f1)):
                axis.plot(found.checked.pairs, values.mean, color=color, marker="o", markersize=4, linewidth=0.5)
    shown = [curves[entry.group] for entry in entries]
    watched = [found.checked for found in shown if found.checked]
    left.set_ylabel("loss ↓")
    right.set_ylabel("accuracy ↑, of validation F1 ↑" if watched else "accuracy ↑")
    # The intervals of the first points would squeeze all lines into one.
    left.set_ylim(
        0, 1.1 * max(np.nanmax(loss.mean) for loss in (*(one.loss for one in shown), *(one.loss for one in watched)))
    )
    lowest = [np.nanmin(found.mean) for found in (*(one.accuracy for one in shown), *(one.f1 for one in watched))]
    right.set_ylim(min(lowest) - 0.02, 1.01)
    for axis in (left, right):
        axis.set_xlabel("training pairs seen")
        axis.xaxis.set_major_formatter(lambda value, _: human(value))
        axis.grid(color="0.93")
    add_legend(figure, list(looks), BESIDE)
    return figure


def _draw(axis: Axes, pairs: Array, found: Estimates, color: str, line: str, label: str) -> None:
    axis.plot(pairs, found.mean, color=color, linestyle=line, linewidth=1.4, label=label or None)
    low, high = found.mean - found.half_width, found.mean + found.half_width
    axis.fill_between(pairs, low, high, color=color, alpha=0.1, linewidth=0)


@register_plot
class Curves(Plot):
    """Training loss and accuracy against the pairs seen, and validation loss and best F1 where it was watched."""

    name = "curves"
    needs = "records"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        sections = source.sections_by_backbone
        drawn = [entry for section in sections for entry in learned(section, metric, fusions)]
        curves = learning_of(source.runs, drawn)
        return [(section.title, partial(draw_curves, section, curves, metric, fusions)) for section in sections]
