"""A metric against costs, with the fusions that nobody beats on both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import COLORS, GREY, MARKERS, metric_label, new_figure, seeds_note, spread
from bench.records.columns import Cost
from bench.stats.intervals import Array
from bench.text import human

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = ("infer", "macs", "params")
LONGEST = 34


def draw_pareto(board: Board, metric: str) -> Figure:
    """One panel per cost: inference throughput, MACs and parameters.

    Numbered and joined are the fusions of the Pareto front; the best and the worst of all have a number, too.
    """
    lines = board.ranked("fusion", metric)
    panels = board.costs(SHOWN)
    if lines.empty or not panels or METRICS.get(metric).direction == NEITHER:
        raise NothingToDrawError(f"{board.title}: no fusion with both {metric} and a cost")
    numbered = [lines[_numbered(lines, metric, cost)] for cost in panels]
    height = 4.4 + 0.19 * max(map(len, numbered))
    note = f"{seeds_note(lines)}; joined: no fusion is both better and cheaper"
    note += "" if board.has_rates else "; no pairs/s, as the runs are from several machines"
    figure = new_figure(4.6 * len(panels), height, board.title, note)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, cost, part in zip(axes, panels, numbered, strict=True):
        _draw_panel(axis, lines, part, metric, cost, board.backbones)
    axes[0].set_ylabel(metric_label(metric))
    if len(board.backbones) > 1:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def pareto_front(gain: Array, cost: Array) -> NDArray[np.bool_]:
    """Which points no other point beats: none has at least the gain at most the cost, and one of the two strictly.

    Args:
        gain, cost: (points,) more is better, less is better; a point with a nan is on no front.
    """
    known = ~(np.isnan(gain) | np.isnan(cost))
    front = np.zeros(len(gain), dtype=bool)
    best_gain, cost_there = -np.inf, np.nan
    for at in np.lexsort((-gain, cost)):
        is_twin = gain[at] == best_gain and cost[at] == cost_there
        if known[at] and (gain[at] > best_gain or is_twin):
            front[at] = True
            best_gain, cost_there = gain[at], cost[at]
    return front


def front_of(lines: pd.DataFrame, metric: str, cost: Cost) -> NDArray[np.bool_]:
    """Which lines are on the Pareto front of a metric and a cost; throughput is better the higher it is."""
    gain = lines[f"{metric}_mean"].to_numpy(dtype=float) * METRICS.get(metric).direction
    values = lines[cost.field].to_numpy(dtype=float)
    return pareto_front(gain, -values if cost.is_rate else values)


def _numbered(lines: pd.DataFrame, metric: str, cost: Cost) -> NDArray[np.bool_]:
    chosen = front_of(lines, metric, cost)
    chosen[[0, -1]] = True
    return chosen


def _draw_panel(
    axis: Axes, lines: pd.DataFrame, numbered: pd.DataFrame, metric: str, cost: Cost, backbones: list[str]
) -> None:
    column = f"{metric}_mean"
    for place, backbone in enumerate(backbones):
        own = lines[lines["backbone"] == backbone]
        color, marker = COLORS[place % len(COLORS)], MARKERS[place % len(MARKERS)]
        axis.plot(own[cost.field], own[column], marker, color=color, alpha=0.55, markersize=5, label=backbone)
    front = lines[front_of(lines, metric, cost)].sort_values(cost.field)
    axis.plot(front[cost.field], front[column], color="black", linewidth=1, zorder=1)
    axis.plot(front[cost.field], front[column], "o", markerfacecolor="none", markeredgecolor="black", markersize=8)
    axis.set_xscale("log")
    axis.margins(x=0.12)
    axis.xaxis.set_major_formatter(lambda value, _: human(value))
    axis.xaxis.set_minor_formatter(lambda value, _: "")
    _few_ticks(axis, lines[cost.field].to_numpy(dtype=float))
    axis.set_xlabel(f"{cost.header}{' →' if cost.is_rate else ' ←'} better")
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    _number(axis, numbered, metric, cost, len(backbones) > 1)


def _few_ticks(axis: Axes, values: Array) -> None:
    """Four round ticks where the values span less than a decade, for which a logarithmic axis has none."""
    low, high = values[values > 0].min(), values.max()
    if low < high < 10 * low:
        ticks = np.geomspace(low, high, 4)
        axis.set_xticks(ticks, [human(tick) for tick in ticks])


def _number(axis: Axes, numbered: pd.DataFrame, metric: str, cost: Cost, with_backbone: bool) -> None:
    """Numbers beside the points, kept apart, and what they stand for below the axis."""
    column = f"{metric}_mean"
    low, high = axis.get_ylim()
    upwards = numbered.iloc[::-1]
    heights = spread(upwards[column].tolist(), 0.035 * (high - low))
    for number, height, (_, line) in zip(range(len(numbered), 0, -1), heights, upwards.iterrows(), strict=True):
        axis.annotate(
            str(number),
            (line[cost.field], line[column]),
            xytext=(12, height),
            textcoords=("offset points", "data"),
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkB": 4},
        )
    texts = [
        f"{number} {_name(line, with_backbone)}: {line[column]:.3f}, {human(line[cost.field])}"
        for number, (_, line) in enumerate(numbered.iterrows(), 1)
    ]
    axis.text(0, -0.17, "\n".join(texts), transform=axis.transAxes, fontsize=8, va="top", linespacing=1.35)


def _name(line: pd.Series[str], with_backbone: bool) -> str:
    name = f"{line['fusion']} × {line['backbone']}" if with_backbone else line["fusion"]
    return name if len(name) <= LONGEST else name[: LONGEST - 1] + "…"


@register_plot
class Pareto(Plot):
    """A metric against throughput, MACs and parameters, with the fusions that nobody beats on both."""

    name = "pareto"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [(board.title, partial(draw_pareto, board, metric)) for board in source.boards]
