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
from bench.plots.style import BLUE, GREY, INTERVAL, ORANGE, SKY, metric_label, new_figure, seeds_note

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROW = 0.2


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
    note = f"{seeds_note(lines)}; line: {INTERVAL}; dark: {'not worse than the best' if is_told else 'the best'}"
    figure = new_figure(7.2, 1.5 + ROW * len(lines), board.title, note)
    axis = figure.subplots()
    start = facts.chance or 0.0
    # Above chance there is no more than 1.
    ends_at_one = facts.chance is not None and facts.unit == SHARE
    colors = [_color(role, own) for role, own in zip(lines["role"], top, strict=True)]
    rows = np.arange(len(lines))
    axis.barh(rows, mean - start, left=start, color=colors, height=0.72)
    axis.errorbar(mean, rows, xerr=np.nan_to_num(half), fmt="none", ecolor="black", elinewidth=0.9, capsize=0)
    ends = np.maximum(mean + np.nan_to_num(half), start)
    span = max(ends.max() - min(start, mean.min()), 1e-6)
    for row, (value, end) in enumerate(zip(mean, ends, strict=True)):
        place = min(end, 1.0) if ends_at_one else end
        axis.text(place + 0.01 * span, row, f"{value:.3f}", va="center", fontsize=7)
    axis.set_yticks(rows, _names(lines), fontsize=7.5)
    axis.set_ylim(len(lines) - 0.4, -0.6)
    limit = 1.1 if ends_at_one else ends.max() + 0.1 * span
    axis.set_xlim(min(start, mean.min()) - 0.05 * span, limit)
    axis.axvline(start, color="black", linewidth=0.8)
    for edge in {fusions, fusions + len(parts[1])} - {0, len(lines)}:
        axis.axhline(edge - 0.5, color=GREY, linewidth=0.8, linestyle=":")
    above_chance = f" (bars start at chance, {start:g})" if facts.chance is not None else ""
    axis.set_xlabel(metric_label(metric) + above_chance)
    axis.xaxis.grid(color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _color(role: str, is_top: bool) -> str:
    if role == "fusion":
        return BLUE if is_top else SKY
    return ORANGE if role == "reference" else GREY


def _names(lines: pd.DataFrame) -> list[str]:
    return [
        name if role == "fusion" else f"{name} ({role})"
        for name, role in zip(lines["fusion"], lines["role"], strict=True)
    ]


@register_plot
class Bars(Plot):
    """Mean and interval of every fusion, best first; references and controls below."""

    name = "bars"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [(board.title, partial(draw_bars, board, metric)) for board in source.boards_by_backbone]
