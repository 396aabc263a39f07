"""Differences from a baseline with their intervals: what a table of means hides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.errors import UsageError
from bench.metrics import METRICS, SHARE
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import BLUE, GREY, VERMILION, metric_label, new_figure
from bench.records.sections import Section
from bench.stats.intervals import LEVEL
from bench.text import count_of
from bench.verdicts.verdicts import Word, compare_to_baseline

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLORS: dict[Word, str] = {"better": BLUE, "worse": VERMILION}


def draw_forest(section: Section, baseline: str, metric: str) -> Figure:
    """A line per fusion from the low to the high end of the difference, best first; zoomed to the differences."""
    ranked = section.ranked("fusion", metric)
    against = baseline or (ranked[0].group.fusion if ranked else "")
    try:
        verdicts = compare_to_baseline(section.entries, against, metric, section.domain)
    except UsageError as error:
        raise NothingToDrawError(f"{section.title}: {error}") from None
    direction = METRICS.get(metric).direction
    shown = [one for one in verdicts if not math.isnan(one.paired.mean)]
    shown.sort(key=lambda one: direction * one.paired.mean, reverse=True)
    if not shown:
        raise NothingToDrawError(f"{section.title}: no seeds shared with {against}")
    scale = 100 if METRICS.get(metric).unit == SHARE else 1
    told = (
        f"coloured where it is told apart from 0 among {count_of(shown[0].family, 'comparison')} (Holm), grey where it "
        "is not"
    )
    note = f"difference from {against}, paired by seed, with its {100 * LEVEL:.0f} % interval; "
    note += told if shown[0].family else "too few seeds to tell any apart from 0"
    figure = new_figure(7.2, 1.5 + 0.22 * len(shown), section.title, note)
    axis = figure.subplots()
    rows = np.arange(len(shown))
    colors = [COLORS.get(one.word, GREY) for one in shown]
    low, mean, high = (
        scale * np.array([getattr(one.paired, part) for one in shown]) for part in ("low", "mean", "high")
    )
    axis.axvline(0, color="0.7", linewidth=0.8, zorder=0)
    axis.hlines(rows, low, high, color=colors, linewidth=1.6)
    axis.scatter(mean, rows, color=colors, s=22, zorder=3)
    axis.set_yticks(rows, [one.fusion for one in shown], fontsize=7.5)
    axis.set_ylim(len(shown) - 0.4, -0.6)
    axis.set_xlabel(f"{metric_label(metric)}, {'points' if scale == 100 else METRICS.get(metric).unit} from {against}")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


@register_plot
class Forest(Plot):
    """Difference of every fusion from a baseline with its interval; from the best one where no baseline is named."""

    name, needs = "forest", "records"

    def __init__(self, baseline: str = "") -> None:
        self._baseline = baseline

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [
            (section.title, partial(draw_forest, section, self._baseline, metric))
            for section in source.sections_by_backbone
        ]
