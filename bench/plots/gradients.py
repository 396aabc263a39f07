"""Gradients by layer against the pairs seen, of trainings that were watched."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.curves import learned
from bench.plots.style import COLORS, LINES, add_legend, columns_of, interval_over, new_figure, room
from bench.records.entries import Entry
from bench.records.learning import Checked, learning_of
from bench.records.sections import Section
from bench.text import human, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PER_ROW, PANEL = 4, 1.6  # panels, and the least inches of one
BESIDE = 6.5  # inches of a picture with room for the layers beside the panels


def draw_gradients(section: Section, watched: Sequence[tuple[Entry, Checked]]) -> Figure:
    """A panel for each fusion of a section with one backbone, a line for each layer, on one logarithmic scale."""
    if not watched:
        raise NothingToDrawError(f"{section.title}: no training was watched (--checks)")
    asked = min(PER_ROW, len(watched))
    width = max(8, 2 + 2.6 * asked)
    columns = columns_of(asked, PANEL, width)
    rows = -(-len(watched) // columns)
    note = f"mean norm of the gradient of each layer, before it is limited; band: {interval_over(section.repeats)}"
    figure = new_figure(width, 1 + 2.6 * rows, f"{section.title}: gradients by layer", note)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flatten()
    looks = _looks(found.gradients for _, found in watched)
    for axis, (entry, found) in zip(panels, watched, strict=False):
        for layer, norm in found.gradients.items():
            color, line = looks[layer]
            axis.plot(found.pairs, norm.mean, color=color, linestyle=line, marker="o", markersize=3, linewidth=1.2)
            low = (norm.mean - norm.half_width).clip(min=norm.mean / 10)
            axis.fill_between(found.pairs, low, norm.mean + norm.half_width, color=color, alpha=0.1, linewidth=0)
        axis.set_title(
            "\n".join(textwrap.wrap(printable(entry.group.fusion), room(figure.get_figwidth() / columns, 9))),
            fontsize=9,
        )
        axis.set_yscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: human(value))
        axis.grid(color="0.93")
    for axis in panels[len(watched) :]:
        axis.set_axis_off()
    for axis in panels[(rows - 1) * columns :]:
        axis.set_xlabel("training pairs seen", fontsize=8)
    figure.supylabel("norm of the gradient", fontsize=9)
    lines = [
        panels[0].plot([], [], color=color, linestyle=line, label=layer)[0] for layer, (color, line) in looks.items()
    ]
    add_legend(figure, list(looks), BESIDE, handles=lines)
    return figure


def _looks(found: Iterable[Mapping[str, object]]) -> dict[str, tuple[str, str]]:
    """Colour and line of each layer by its name."""
    names = dict.fromkeys(layer for layers in found for layer in layers)
    return {
        name: (COLORS[place % len(COLORS)], LINES[place // len(COLORS) % len(LINES)])
        for place, name in enumerate(names)
    }


@register_plot
class Gradients(Plot):
    """Mean norm of the gradient of each layer against the pairs seen, where training was watched (--checks)."""

    name = "gradients"
    needs = "records"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        sections = source.sections_by_backbone
        drawn = {section.title: learned(section, metric, fusions) for section in sections}
        curves = learning_of(source.runs, [entry for entries in drawn.values() for entry in entries])
        found = {
            section.title: [
                (entry, checked)
                for entry in drawn[section.title]
                if entry.group in curves and (checked := curves[entry.group].checked)
            ]
            for section in sections
        }
        return [(section.title, partial(draw_gradients, section, found[section.title])) for section in sections]
