"""How a metric changes from the domain trained on to the others: one line per fusion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from bench.metrics import LOWER, METRICS
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import (
    COLORS,
    GREY,
    QUIET,
    broken,
    length,
    metric_label,
    need_width,
    new_figure,
    repeats_note,
    room,
    spread,
    width_of,
)
from bench.spec import shift_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMED = 3
HEAD = 16  # letters of a line below a domain, at least
NARROW, ASIDE, DOMAIN = 5.0, 1.0, 0.22  # inches: left of the axis and of the names, and of a domain


def shift_table(board: Board, metric: str) -> pd.DataFrame:
    """Means (fusions and references, evaluated domains) of a board with one backbone.

    Rows (role, fusion) stand best first on the domain trained on. Columns start with that domain; the others follow
    from the mildest to the hardest for the fusions.
    """
    lines = board.lines[board.lines["role"] != "control"]
    table = lines.pivot_table(index=["role", "fusion"], columns="eval_domain", values=f"{metric}_mean")
    if table.empty or board.domain not in table:
        return pd.DataFrame()
    table = table.sort_values(board.domain, ascending=METRICS.get(metric).direction == LOWER, na_position="last")
    fusions = table[table.index.get_level_values("role") == "fusion"]
    others = (fusions if len(fusions) else table).mean().drop(board.domain)
    order = others.sort_values(ascending=METRICS.get(metric).direction == LOWER).index
    return table[[board.domain, *order]]


def draw_shifts(board: Board, metric: str) -> Figure:
    """A line per fusion over the domains tested on; in colour the best and the worst on the first and the last."""
    table = shift_table(board, metric)
    if table.shape[1] < 2:
        raise NothingToDrawError(f"{board.title}: tested on no domain but {board.domain}")
    fusions = table[table.index.get_level_values("role") == "fusion"].droplevel("role")
    references = table[table.index.get_level_values("role") == "reference"].droplevel("role")
    named = _named(fusions, metric)
    note = f"mean of {metric}; {repeats_note(board.own)}; in colour: the best {NAMED} and the worst on either side"
    width = max(7.5, 0.5 * table.shape[1] + 5)
    known = "ref." if width_of(width) < NARROW else "reference"
    names = [*named, *(f"{name} ({known})" for name in references.index)]
    beside = max(length(f"{name} 0.000", 8) for name in names) + ASIDE
    need_width(beside + DOMAIN * (table.shape[1] - 1))
    figure = new_figure(width, 6.4, board.title, note)
    axis = figure.subplots()
    places = range(table.shape[1])
    for values in fusions.drop(index=named).to_numpy():
        axis.plot(places, values, color=QUIET, linewidth=0.7, marker=".", markersize=3, zorder=1)
    labels: list[tuple[float, str, str]] = []
    for at, name in enumerate(named):
        color, line = COLORS[at % len(COLORS)], ("-", "--")[at // len(COLORS) % 2]
        values = fusions.loc[name].to_numpy(dtype=float)
        axis.plot(places, values, color=color, linestyle=line, linewidth=1.8, marker="o", markersize=4)
        labels.append((float(values[-1]), name, color))
    for name in references.index:
        values = references.loc[name].to_numpy(dtype=float)
        axis.plot(places, values, color="black", linewidth=1.2, linestyle="-.", marker="s", markersize=3)
        labels.append((float(values[-1]), f"{name} ({known})", "black"))
    chance = METRICS.get(metric).chance
    if chance is not None:
        axis.axhline(chance, color=GREY, linewidth=0.8, linestyle=":")
        axis.annotate("chance", (0.5, chance), fontsize=7, color=GREY, va="bottom")
    # The line of chance may widen the axis, and labels keep apart by its height.
    _label(axis, labels, table.shape[1] - 1)
    each = (width_of(width) - beside) / (len(table.columns) - 1)
    heads = ["\n".join(broken(_short(name, board), max(HEAD, room(each, 8)))) for name in table.columns]
    heads[0] += "\n(trained on)"
    longest = max(length(line, 8) for head in heads for line in head.split("\n"))
    is_upright = len(heads) >= 7 or (width_of(width) - beside) / (len(heads) - 1) < longest
    axis.set_xticks(places, heads, fontsize=8, rotation=90 if is_upright else 0)
    axis.set_ylabel(metric_label(metric))
    axis.grid(axis="x", color="0.9")
    axis.spines[["top", "right"]].set_visible(False)
    return figure


def _named(fusions: pd.DataFrame, metric: str) -> list[str]:
    """The best and the worst on the first and the last domain."""
    first = fusions.dropna(subset=[fusions.columns[0]]).index
    last = fusions[fusions.columns[-1]].dropna()
    last = last.loc[[name for name in first if name in last.index]]
    # ``first`` stands best first; a stable sort keeps that order among equals.
    by_last = last.sort_values(ascending=METRICS.get(metric).direction == LOWER, kind="stable").index
    return list(dict.fromkeys([*first[:NAMED], *by_last[:NAMED], *first[-1:], *by_last[-1:]]))


def _label(axis: Axes, labels: list[tuple[float, str, str]], place: int) -> None:
    known = sorted(label for label in labels if label[0] == label[0])
    low, high = axis.get_ylim()
    for (value, name, color), height in zip(
        known, spread([label[0] for label in known], 0.03 * (high - low)), strict=True
    ):
        axis.annotate(
            f"{name} {value:.3f}",
            (place, value),
            xytext=(14, height),
            textcoords=("offset points", "data"),
            fontsize=8,
            color=color,
            va="center",
            annotation_clip=False,
            # From the left edge of its own name: one from the middle would cross the names beside it.
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.5, "relpos": (0, 0.5)},
        )


def _short(domain: str, board: Board) -> str:
    source, shift = shift_of(domain)
    return shift if shift and source == board.domain else domain


@register_plot
class Shifts(Plot):
    """From the domain trained on to the others, the mildest first."""

    name = "shifts"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [(board.title, partial(draw_shifts, board, metric)) for board in source.boards_by_backbone]
