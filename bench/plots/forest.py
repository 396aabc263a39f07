"""Differences from the best fusion, or from a baseline, with their intervals: what a table of means hides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UsageError
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.shades import IN_LEGENDS, Shade, meaning, shade_of
from bench.plots.style import GREY, metric_label, new_figure, reach, width_of
from bench.records.sections import Section
from bench.stats.intervals import LEVEL
from bench.stats.paired import Paired
from bench.verdicts.standings import Standing, Standings, standings_of, what_is_marked
from bench.verdicts.unit import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, ROW = 7.2, 0.21  # inches
NUMBERS = (8, 40)  # where the columns of numbers begin, in points from the axis
NARROW = 5.0  # inches, below which there is room for the first of them alone
LEGEND = 3.0  # inches of a column of the legend


def draw_forest(standings: Standings) -> Figure:
    """A line per fusion from the low to the high end of its difference, best first, and the numbers beside it.

    The axis is zoomed to the better half: what lies beyond is an arrow at its edge.
    """
    from matplotlib.lines import Line2D

    members, unit = standings.members, unit_of(standings.metric)
    if not any(one.verdict and one.verdict.paired.n for one in members):
        section = standings.section
        raise NothingToDrawError(f"{section.title}: no {section.repeats}s shared with {standings.baseline}")
    shades = [shade_of(one, standings) for one in members]
    legend = [
        Line2D([], [], color=shade.line, marker="o", markersize=4.5, linewidth=1.6, label=meaning(shade, standings))
        for shade in IN_LEGENDS
        if shade in shades
    ]
    beside = max(int(width_of(WIDTH) / LEGEND), 1)
    height = 0.95 + ROW * len(members) + 0.19 * -(-len(legend) // beside)
    figure = new_figure(WIDTH, height, standings.section.title, _note(standings))
    axis = figure.subplots()
    low, high = _limits(standings)
    axis.axvspan(-unit.scale * standings.margin, unit.scale * standings.margin, color="0.94", zorder=-1, linewidth=0)
    axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    for row, (one, shade) in enumerate(zip(members, shades, strict=True)):
        _draw_row(axis, row, one, shade, unit.scale, (low, high))
    _write_numbers(axis, standings)
    axis.set_xlim(low, high)
    axis.set_yticks(range(len(members)), [one.fusion for one in members], fontsize=8)
    for label, one in zip(axis.get_yticklabels(), members, strict=True):
        label.set_fontweight("bold" if one.is_tied else "normal")
    axis.set_ylim(len(members) - 0.4, -0.6)
    gap = "\n" if width_of(WIDTH) < NARROW else " "
    axis.set_xlabel(f"{metric_label(standings.metric)}:{unit.name}{gap}from {standings.baseline}", fontsize=8.5)
    axis.tick_params(axis="x", labelsize=8)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right", "left"]].set_visible(False)
    figure.legend(
        handles=legend, loc="outside lower left", ncols=beside, frameon=False,
        fontsize=7.5,
    )  # fmt: skip
    return figure


def _limits(standings: Standings) -> tuple[float, float]:
    """Ends of the axis, which holds 0 and twice the margin."""
    scale = unit_of(standings.metric).scale
    found = [one.verdict.paired for one in standings.members if one.verdict and one.verdict.paired.n]
    ends = np.array([[_end(one, one.low), _end(one, one.high)] for one in found]) * scale
    least = 2 * scale * standings.margin
    low, high = (1.06 * reach((sign * ends).max(axis=1).clip(0), least) for sign in (-1, 1))
    return -low, high


def _end(found: Paired, end: float) -> float:
    """An end of an interval; the mean where there is none."""
    return found.mean if math.isnan(end) else end


def _draw_row(axis: Axes, row: int, one: Standing, shade: Shade, scale: float, limits: tuple[float, float]) -> None:
    """The interval and its middle, or an arrow at the edge that they lie beyond; a ring for the baseline itself."""
    if one.verdict is None:
        axis.plot([0], [row], "o", color=shade.line, markerfacecolor="white", markersize=5)
        return
    found = one.verdict.paired
    if not found.n:
        return
    low, mean, high = (scale * value for value in (_end(found, found.low), found.mean, _end(found, found.high)))
    axis.hlines(row, max(low, limits[0]), min(high, limits[1]), color=shade.line, linewidth=1.6)
    beyond = mean < limits[0], mean > limits[1]
    marker, place = ("<", limits[0]) if beyond[0] else (">", limits[1]) if beyond[1] else ("o", mean)
    axis.plot([place], [row], marker, color=shade.line, markersize=5, clip_on=False)


def _write_numbers(axis: Axes, standings: Standings) -> None:
    """Beside each row its mean, and its difference with the interval."""
    unit = unit_of(standings.metric)
    texts = [("mean", f"difference [{100 * LEVEL:.0f} %]")]
    for one in standings.members:
        found = one.verdict.paired if one.verdict else None
        interval = (
            "" if found is None or math.isnan(found.low) else f" [{unit.signed(found.low)}, {unit.signed(found.high)}]"
        )
        itself = "the best" if standings.is_best else "the baseline"
        texts.append((f"{one.mean:.3f}", f"{unit.signed(found.mean)}{interval}" if found else itself))
    for row, columns in enumerate(texts, start=-1):
        for place, text in list(zip(NUMBERS, columns, strict=True))[: 1 if width_of(WIDTH) < NARROW else None]:
            axis.annotate(
                text.replace("-", "\N{MINUS SIGN}") if row >= 0 else text,
                (1, row),
                xytext=(place, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=7.5,
                color=GREY if row < 0 else "black",
                annotation_clip=False,
            )


def _note(standings: Standings) -> str:
    unit = unit_of(standings.metric)
    family = max((one.verdict.family for one in standings.members if one.verdict), default=0)
    chosen = "the best one" if standings.is_best else "a baseline"
    repeats = standings.section.repeats
    told = (
        f"colours say what is sure of all {family + 1} together" if family else f"too few {repeats}s to tell any apart"
    )
    return (
        f"difference from {standings.baseline}, {chosen}, paired by {repeats}, with its {100 * LEVEL:.0f} % interval; "
        f"{told}; grey band: ±{unit.short(standings.margin)}; bold: {what_is_marked([standings])}"
    )


@register_plot
class Forest(Plot):
    """Difference of every fusion from a baseline with its interval; from the best one where no baseline is named."""

    name, needs = "forest", "records"

    def __init__(self, baseline: str = "") -> None:
        self._baseline = baseline

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [
            (section.title, partial(self._draw, section, metric, source)) for section in source.sections_by_backbone
        ]

    def _draw(self, section: Section, metric: str, source: Source) -> Figure:
        try:
            return draw_forest(standings_of(section, section.domain, metric, source.margin, self._baseline))
        except UsageError as error:
            raise NothingToDrawError(f"{section.title}: {error}") from None
