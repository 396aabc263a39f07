"""A metric against costs, with the fusions that are surely better than what is cheaper."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import (
    COLORS,
    GREY,
    MARKERS,
    columns_of,
    interval_over,
    length,
    metric_label,
    need_width,
    new_figure,
    reach,
    repeats_note,
    room,
    spread,
    width_of,
)
from bench.records.columns import Cost
from bench.records.sections import Section
from bench.stats.intervals import FEWEST_SEEDS, Array
from bench.text import human, shortened
from bench.verdicts.standings import standings_of
from bench.verdicts.unit import unit_of
from bench.verdicts.verdicts import Word

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Whether the point at the first place is surely better than that at the second.
Better = Callable[[int, int], bool]
SHOWN = ("infer", "macs", "params")
LONGEST, ON_ONE_LINE = 34, 50  # letters: of a name, and that a name with its numbers takes
WIDTH, PANEL, ASIDE = 4.2, 2.9, 0.6  # inches: of a panel, the least of it, and left of its axis
WIDE = 3.0


def draw_pareto(board: Board, metric: str, section: Section | None, margin: float) -> Figure:
    """One panel per cost: inference throughput, MACs and parameters, zoomed to the better half.

    Numbered and joined are the fusions of the front; the best and the worst of all have a number, too.

    Args:
        section: of the same lines; None without records. margin: in the unit of the metric.
    """
    lines = board.ranked("fusion", metric)
    panels = board.costs(SHOWN)
    if lines.empty or not panels or METRICS.get(metric).direction == NEITHER:
        raise NothingToDrawError(f"{board.title}: no fusion with both {metric} and a cost")
    judge = Judge(lines, metric, section, margin)
    fronts = [front_of(lines, metric, cost, judge) for cost in panels]
    need_width(PANEL)
    columns = columns_of(len(panels), PANEL, WIDTH * len(panels))
    rows = -(-len(panels) // columns)
    letters = room(width_of(WIDTH * len(panels)) / columns - ASIDE, 8)
    numbered = max(_numbered(front).sum() for front in fronts)
    height = 3.7 + 0.17 * numbered * (1 if letters >= ON_ONE_LINE else 2)
    told = (
        f"their verdict, and not surely by less than {unit_of(metric).short(margin)}" if section else "their intervals"
    )
    note = f"{repeats_note(lines)}; line: {interval_over(board.repeats)}"
    if any(front.sum() > 1 for front in fronts):
        note += f"; joined: each is surely better than the cheaper one, by {told}"
    else:
        note += f"; ringed: the cheapest, as none is surely better, by {told}"
    note += "; arrows, and what is dotted: beyond the axis" if _is_zoomed(lines, metric) else ""
    note += "" if board.has_rates else "; no pairs/s, as the runs are from several machines"
    figure = new_figure(WIDTH * len(panels), height * rows, board.title, note)
    axes = figure.subplots(rows, columns, sharey=True, squeeze=False).flat
    axes[0].set_ylim(*_limits(lines, metric))
    for axis, cost, front in zip(axes, panels, fronts, strict=False):
        _draw_panel(axis, lines, front, metric, cost, board.backbones, letters)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[::columns]:
        axis.set_ylabel(metric_label(metric))
    if len(board.backbones) > 1:
        handles, names = axes[0].get_legend_handles_labels()
        beside = max(int(figure.get_figwidth() / (0.6 + max(length(name, 10) for name in names))), 1)
        figure.legend(handles, names, loc="outside lower center", ncols=min(beside, 3), frameon=False)
    return figure


def _limits(lines: pd.DataFrame, metric: str) -> tuple[float, float]:
    """Ends of the axis of the metric, the lower one first."""
    sign = METRICS.get(metric).direction
    gain = lines[f"{metric}_mean"].to_numpy(dtype=float) * sign
    half = lines[f"{metric}_hw"].fillna(0).to_numpy(dtype=float)
    top = float((gain + half).max())
    ends = top + 0.04 * (span := max(reach(top - gain + half), 1e-6)), top - 1.04 * span
    return min(sign * end for end in ends), max(sign * end for end in ends)


def _is_zoomed(lines: pd.DataFrame, metric: str) -> bool:
    low, high = _limits(lines, metric)
    return not lines[f"{metric}_mean"].between(low, high).all()


def pareto_front(gain: Array, cost: Array, is_better: Better) -> NDArray[np.bool_]:
    """Which points are worth their cost: the cheapest, and from there on each that is better than the one before it on
    the front; twins of those, too. Where any higher gain is better that is Pareto's front.

    Args:
        gain, cost: (points,) more is better, less is better; a point with a nan is on no front.
        is_better: whether the first of two points is surely better than the second.
    """
    known = ~(np.isnan(gain) | np.isnan(cost))
    front = np.zeros(len(gain), dtype=bool)
    last: int | None = None
    for at in (int(place) for place in np.lexsort((-gain, cost)) if known[place]):
        if last is None or is_better(at, last) or (gain[at] == gain[last] and cost[at] == cost[last]):
            front[at] = True
            last = at
    return front


class Judge:
    """Whether one line is surely better than another: by its verdict where both have a backbone and there are records;
    else where the interval of the difference of two independent means does not hold 0. Of fewer than ``FEWEST_SEEDS``
    nothing is sure.

    Args:
        lines: of fusions. section: with the entries of these lines; None without records.
        margin: of the verdicts, in the unit of the metric.
    """

    def __init__(self, lines: pd.DataFrame, metric: str, section: Section | None, margin: float) -> None:
        self._names = list(zip(lines["backbone"], lines["fusion"], strict=True))
        self._gain = lines[f"{metric}_mean"].to_numpy(dtype=float) * METRICS.get(metric).direction
        # No comparison with nan is true.
        self._half = lines[f"{metric}_hw"].where(lines["n_seeds"] >= FEWEST_SEEDS).to_numpy(dtype=float)
        self._metric, self._section, self._margin = metric, section, margin
        self._known: dict[tuple[str, str], dict[str, Word]] = {}

    def __call__(self, one: int, other: int) -> bool:
        """Whether the line at a place is better than that at another."""
        (backbone, fusion), base = self._names[one], self._names[other]
        if self._section is not None and backbone == base[0]:
            return self._words(self._section, *base).get(fusion) == "better"
        return bool(self._gain[one] - self._gain[other] > np.hypot(self._half[one], self._half[other]))

    def _words(self, section: Section, backbone: str, baseline: str) -> Mapping[str, Word]:
        if (backbone, baseline) not in self._known:
            found = standings_of(section.of(backbone), section.domain, self._metric, self._margin, baseline)
            self._known[backbone, baseline] = {one.fusion: one.verdict.word for one in found.members if one.verdict}
        return self._known[backbone, baseline]


def front_of(lines: pd.DataFrame, metric: str, cost: Cost, judge: Judge) -> NDArray[np.bool_]:
    """Which lines are on the front of a metric and a cost; throughput is better the higher it is."""
    gain = lines[f"{metric}_mean"].to_numpy(dtype=float) * METRICS.get(metric).direction
    values = lines[cost.field].to_numpy(dtype=float)
    return pareto_front(gain, -values if cost.is_rate else values, judge)


def _numbered(front: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The front, the best and the worst."""
    chosen = front.copy()
    chosen[[0, -1]] = True
    return chosen


def _draw_panel(
    axis: Axes,
    lines: pd.DataFrame,
    front: NDArray[np.bool_],
    metric: str,
    cost: Cost,
    backbones: Sequence[str],
    letters: int,
) -> None:
    """Points with intervals, an arrow at the edge for each that lies beyond, and the front, dotted to such arrows."""
    column, half = f"{metric}_mean", f"{metric}_hw"
    low, high = axis.get_ylim()
    for place, backbone in enumerate(backbones):
        own = lines[lines["backbone"] == backbone]
        looks: dict[str, Any] = {"color": COLORS[place % len(COLORS)], "alpha": 0.5, "markersize": 4.5}
        marker = MARKERS[place % len(MARKERS)]
        axis.errorbar(
            own[cost.field], own[column], own[half].fillna(0), fmt=marker, elinewidth=0.7, label=backbone, **looks
        )
        for beyond, edge, arrow in ((own[column] < low, low, "v"), (own[column] > high, high, "^")):
            if beyond.any():
                axis.plot(own[cost.field][beyond], [edge] * beyond.sum(), arrow, clip_on=False, **looks)
    steps = lines[front].sort_values(cost.field)
    heights = steps[column].clip(low, high)
    for step in range(len(steps) - 1):
        ends = slice(step, step + 2)
        look = "-" if steps[column][ends].between(low, high).all() else ":"
        axis.plot(steps[cost.field][ends], heights[ends], look, color="black", linewidth=1, zorder=3)
    axis.errorbar(
        steps[cost.field], steps[column], steps[half].fillna(0), fmt="o", color="black", markersize=6,
        markerfacecolor="none", elinewidth=1.0, zorder=4,
    )  # fmt: skip
    axis.set_ylim(low, high)
    axis.margins(x=0.12)
    _scale(axis, lines[cost.field].to_numpy(dtype=float))
    if letters < ON_ONE_LINE:
        axis.tick_params(axis="x", labelsize=8)
    axis.set_xlabel(f"{cost.header}{' →' if cost.is_rate else ' ←'} better")
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    _number(axis, lines[_numbered(front)], metric, cost, len(backbones) > 1, letters)


def _scale(axis: Axes, values: Array) -> None:
    """Round ticks that tell the costs apart: on a logarithmic axis from a factor of ``WIDE`` on."""
    from matplotlib.ticker import EngFormatter, LogLocator, MaxNLocator, NullFormatter

    known = values[values > 0]
    if len(known) and known.max() > WIDE * known.min():
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        axis.xaxis.set_minor_formatter(NullFormatter())
    else:
        axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.xaxis.set_major_formatter(EngFormatter())


def _number(axis: Axes, numbered: pd.DataFrame, metric: str, cost: Cost, with_backbone: bool, letters: int) -> None:
    """Numbers beside the points and arrows, kept apart, and below the axis what they stand for, in lines of so many
    letters."""
    column = f"{metric}_mean"
    low, high = axis.get_ylim()
    points = sorted(zip(numbered[column], numbered[cost.field], range(1, len(numbered) + 1), strict=True))
    heights = _heights([value for value, _, _ in points], low, high)
    for height, (value, x, number) in zip(heights, points, strict=True):
        axis.annotate(
            str(number),
            (x, min(max(value, low), high)),
            xytext=(12, height),
            textcoords=("offset points", "data"),
            fontsize=8,
            va="center",
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkB": 4},
        )
    texts = []
    for number, (_, line) in enumerate(numbered.iterrows(), 1):
        told = f"{line[column]:.3f}, {_cost_text(line[cost.field], cost)}"
        between = ": " if letters >= ON_ONE_LINE else "\n    "
        texts.append(f"{number} {_name(line, with_backbone)}{between}{told}")
    axis.annotate(
        "\n".join(texts), (0, 0), (0, -34), xycoords="axes fraction", textcoords="offset points", fontsize=8, va="top",
        linespacing=1.35, annotation_clip=False,
    )  # fmt: skip


def _heights(values: Sequence[float], low: float, high: float) -> list[float]:
    """Of the numbers of sorted values: beside them, or inside the edge beyond which they lie; apart from each other."""
    gap, last = 0.035 * (high - low), len(values) - 1
    wanted = [
        low + gap * (place + 1) if value < low else high - gap * (last - place + 1) if value > high else value
        for place, value in enumerate(values)
    ]
    return spread(wanted, gap)


def _cost_text(value: float, cost: Cost) -> str:
    """With its unit, and with the digits that tell close costs apart."""
    from matplotlib.ticker import EngFormatter

    text = EngFormatter(places=2).format_data(value) if value >= 1000 else human(value)
    return f"{text} {cost.header.split()[-1]}"


def _name(line: pd.Series[str], with_backbone: bool) -> str:
    name = f"{line['fusion']} × {line['backbone']}" if with_backbone else line["fusion"]
    return shortened(name, LONGEST)


@register_plot
class Pareto(Plot):
    """A metric against throughput, MACs and parameters; joined: fusions that are surely better than cheaper ones."""

    name = "pareto"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        sections = source.sections or [None] * len(source.boards)
        return [
            (board.title, partial(self._draw, board, metric, section, source))
            for board, section in zip(source.boards, sections, strict=True)
        ]

    def _draw(self, board: Board, metric: str, section: Section | None, source: Source) -> Figure:
        return draw_pareto(board, metric, section, source.margin)
