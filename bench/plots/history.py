"""A metric over versions: a line per fusion, from run to run or from commit to commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import (
    COLORS,
    GREY,
    MARKERS,
    QUIET,
    interval_over,
    length,
    metric_label,
    need_width,
    new_figure,
    spread,
)
from bench.text import printable
from bench.verdicts.history import Course, History, histories_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
MOST_TICKS = 12
LONGEST = 14  # letters of a version below the axis
ASIDE, LEAST = 1.1, 0.8  # inches beside the axis and the names, and of the axis at least
BESIDE = 0.05  # of the distance from version to version
GAP = 0.055  # share of the axis between two names


def moved(course: Course) -> float:
    """By how much it went up and down in all."""
    known = course.mean[~np.isnan(course.mean)]
    return float(np.abs(np.diff(known)).sum())


def draw_history(history: History, fusions: Sequence[str]) -> Figure:
    """Lines of means with their intervals; in colour those called ``fusions``, or the fusions that moved most."""
    every = [course for course in history.courses if course.role == "fusion"] or list(history.courses)
    chosen = [course for course in every if course.group.fusion in fusions] if fusions else every
    shown = sorted(chosen, key=lambda course: -moved(course))[:MOST]
    if not shown:
        raise NothingToDrawError(f"{history.title}: none of {', '.join(fusions)} is in it")
    shown.sort(key=lambda course: course.newest)
    named = "those that were chosen" if fusions else f"the {MOST} that moved most"
    grey = f", {named} in colour" if len(every) > len(shown) else ""
    note = f"mean and {interval_over(history.table.repeats)}, the newest on the right{grey}. Nothing is tested here"
    need_width(ASIDE + LEAST + max(length(course.group.fusion, 8) for course in shown))
    figure = new_figure(max(5.5, min(2.6 + 0.9 * len(history.versions), 11)), 3.4, history.title, note)
    room = figure.get_figwidth() - ASIDE - max(length(course.group.fusion, 8) for course in shown)
    axis = figure.subplots()
    x = np.arange(len(history.versions))
    for course in every:
        if course not in shown:
            axis.plot(x, course.mean, color=QUIET, linewidth=0.8, zorder=1)
    for place, course in enumerate(shown):
        error = np.nan_to_num(course.half_width)
        look: dict[str, Any] = {"color": COLORS[place % len(COLORS)], "marker": MARKERS[place], "markersize": 4}
        axis.errorbar(x + _aside(place, shown), course.mean, error, linewidth=1.6, elinewidth=0.8,
                      label=course.group.fusion, **look)  # fmt: skip
    days = [str(one.header.get("created", ""))[5:10] for one in history.versions]
    names = [printable(name)[:LONGEST] for name in history.names]
    labels = [f"{name}\n{day}" for name, day in zip(names, days, strict=True)]
    step = -(-len(x) // max(min(MOST_TICKS, int(room / max(length(name, 8) for name in names))), 1))
    axis.set_xticks(x[::-step], labels[::-step], fontsize=8)
    axis.set_xlim(-0.3, len(x) - 0.7)
    axis.set_ylabel(metric_label(history.metric))
    axis.grid(axis="y", color="0.93")
    axis.spines[["top", "right"]].set_visible(False)
    _name(axis, shown)
    return figure


def _aside(place: int, shown: Sequence[Course]) -> float:
    """Where a line stands beside its version, as intervals of equal means would cover each other."""
    return BESIDE * (place - (len(shown) - 1) / 2)


def _name(axis: Axes, shown: Sequence[Course]) -> None:
    """The name of each line at its right end, apart from each other, with a hair line to where that end is."""
    low, high = axis.get_ylim()
    places = spread([(course.newest - low) / (high - low) for course in shown], GAP)
    right = axis.get_xlim()[1]
    for place, (course, at) in enumerate(zip(shown, places, strict=True)):
        last = int(np.flatnonzero(~np.isnan(course.mean))[-1]) + _aside(place, shown)
        axis.annotate(
            course.group.fusion, (last, course.newest), (right + 0.03 * right + 0.12, low + at * (high - low)),
            va="center", fontsize=8, color=COLORS[place % len(COLORS)], annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 1, "shrinkB": 4},
        )  # fmt: skip


@register_plot
class HistoryPlot(Plot):
    """A metric of each fusion over several runs, from the oldest to the newest; bench history draws commits."""

    name, needs = "history", "records"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        chosen = {entry.group for entry in source.entries}
        histories = [one for one in histories_of(source.runs, metric, chosen) if len(one.versions) > 1]
        jobs: list[Job] = [(history.title, partial(draw_history, history, fusions)) for history in histories]
        return jobs or [("history", self._single)]

    def _single(self) -> Figure:
        raise NothingToDrawError("nothing is in more than one run; give several, or a committed file to bench history")
