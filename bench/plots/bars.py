"""One bar per fusion with its interval, best first, references and controls below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.metrics import METRICS, SHARE
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    interval_over,
    length,
    metric_label,
    need_width,
    new_figure,
    repeats_note,
    with_role,
)
from bench.records.ties import how_marked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW, WIDTH, NARROW = 0.2, 7.2, 5.0  # inches


def draw_bars(board: Board, metric: str) -> Figure:
    """Horizontal bars from chance (or zero) to the mean; a table with a single backbone."""
    facts = METRICS.get(metric)
    parts = [board.ranked(role, metric) for role in ("fusion", "reference", "control")]
    lines = pd.concat(parts)
    if lines.empty:
        raise NothingToDrawError(f"{board.title}: no {metric}")
    mean = lines[f"{metric}_mean"].to_numpy(dtype=float)
    half = lines[f"{metric}_hw"].to_numpy(dtype=float)
    fusions = len(parts[0])
    # A leaderboard.csv tells the tie group of one metric alone.
    is_told = (lines["tie_group_by"] == metric).any()
    top = lines["tie_group"].eq(True).to_numpy() if is_told else np.arange(len(lines)) < min(fusions, 1)
    told = how_marked(int(parts[0]["n_seeds"].max()) if is_told else 0)
    note = f"{repeats_note(lines)}; line: {interval_over(board.repeats)}; dark blue: {told}; "
    note += "orange: reference, grey: control"
    names = _names(lines)
    need_width(max(length(name, 7.5) for name in names) + 1.1)
    figure = new_figure(WIDTH, 0.75 + ROW * len(lines), board.title, note)
    axis = figure.subplots()
    start = facts.chance or 0.0
    colors = [_color(role, own) for role, own in zip(lines["role"], top, strict=True)]
    rows = np.arange(len(lines))
    axis.barh(rows, mean - start, left=start, color=colors, height=0.72)
    axis.errorbar(mean, rows, xerr=np.nan_to_num(half), fmt="none", ecolor="black", elinewidth=0.9, capsize=0)
    for row, value in enumerate(mean):
        axis.annotate(
            f"{value:.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=7,
            annotation_clip=False,
        )  # fmt: skip
    axis.set_yticks(rows, names, fontsize=7.5)
    axis.set_ylim(len(lines) - 0.4, -0.6)
    ends = np.concatenate([mean - np.nan_to_num(half), mean + np.nan_to_num(half), [start]])
    aside = 0.03 * max(np.ptp(ends), 1e-6)
    # There is no more than all of them.
    high = min(ends.max() + aside, 1.0) if facts.unit == SHARE else ends.max() + aside
    axis.set_xlim(min(ends.min() - aside, start), high)
    axis.axvline(start, color="black", linewidth=0.8)
    for edge in {fusions, fusions + len(parts[1])} - {0, len(lines)}:
        axis.axhline(edge - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    above_chance = f" (bars start at chance, {start:g})" if facts.chance is not None else ""
    # Below names rather than over the edge.
    is_narrow = figure.get_figwidth() < NARROW
    axis.set_xlabel(
        metric_label(metric) + above_chance, fontsize=8.5 if is_narrow else None, loc="right" if is_narrow else None
    )
    axis.xaxis.grid(color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _color(role: str, is_top: bool) -> str:
    if role == "fusion":
        return BLUE if is_top else SKY
    return ORANGE if role == "reference" else GREY


def _names(lines: pd.DataFrame) -> list[str]:
    return list(map(with_role, lines["fusion"], lines["role"]))


@register_plot
class Bars(Plot):
    """Mean and interval of every fusion, best first; references and controls below."""

    name = "bars"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [(board.title, partial(draw_bars, board, metric)) for board in source.boards_by_backbone]
