"""A metric by fusion and backbone as a heat map, on every domain tested on that is no shift."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd

from bench.metrics import LOWER, METRICS
from bench.plots.board import Board
from bench.plots.contract import Job, NothingToDrawError, Plot, Source, register_plot
from bench.plots.style import broken, length, metric_label, need_width, new_figure, repeats_note, width_of, with_role
from bench.spec import shift_of
from bench.stats.intervals import estimate

WORST = 0.1
HEAD = 24  # letters of a line above a column
NUMBER, COLUMN, BAR, EDGE = 0.38, 1.3, 0.8, 0.3  # inches: of a number, of a head, of the colour bar, and left over

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def heat_table(board: Board, metric: str) -> pd.DataFrame:
    """Means (fusions and references, backbone x evaluated domain); nan where a cell has no result.

    Rows are fusions, best first by their mean over backbones on the domain trained on, then references. Columns are
    pairs (evaluated domain, backbone), the domain trained on first.
    """
    column = f"{metric}_mean"
    lines = board.lines[board.lines["role"] != "control"]
    lines = lines[(lines["eval_domain"] == board.domain) | ~lines["eval_domain"].map(_is_shift)]
    table = lines.pivot_table(index=["role", "fusion"], columns=["eval_domain", "backbone"], values=column)
    if table.empty or board.domain not in table.columns.get_level_values(0):
        return pd.DataFrame()
    own = table.loc[:, [domain == board.domain for domain, _ in column_pairs(table)]].to_numpy(dtype=float)
    order = estimate(own.T).mean * (1 if METRICS.get(metric).direction == LOWER else -1)
    places = sorted(
        range(len(order)), key=lambda at: (row_pairs(table)[at][0] != "fusion", np.isnan(order[at]), order[at])
    )
    table = table.iloc[places]
    domains = [board.domain, *(name for name in board.others if name in table.columns.get_level_values(0))]
    return pd.concat({name: table[name] for name in domains}, axis=1)


def color_range(table: pd.DataFrame, metric: str) -> tuple[float, float]:
    """The values at the ends of the colours: all but the worst tenth, so that a few bad ones do not make the others
    alike."""
    is_lower = METRICS.get(metric).direction == LOWER
    values = table.to_numpy(dtype=float)
    low, high = (float(end) for end in np.nanquantile(values, [0, 1 - WORST] if is_lower else [WORST, 1]))
    return (low, high) if high > low else (low - 0.01, high + 0.01)


def column_pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Evaluated domain and backbone of each column."""
    return cast("list[tuple[str, str]]", table.columns.to_list())


def row_pairs(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Role and name of each row."""
    return cast("list[tuple[str, str]]", table.index.to_list())


def row_names(table: pd.DataFrame) -> list[str]:
    """What each row is called."""
    return [with_role(name, role) for role, name in row_pairs(table)]


def draw_heatmap(board: Board, metric: str) -> Figure:
    """A cell per fusion, backbone and domain, its value written in it; grey where there is none."""
    from matplotlib import colormaps

    table = heat_table(board, metric)
    if table.empty:
        raise NothingToDrawError(f"{board.title}: no {metric}")
    values = table.to_numpy(dtype=float)
    rows, columns = values.shape
    low, high = color_range(table, metric)
    note = f"mean {metric_label(metric)}; {repeats_note(board.own)}; "
    note += f"colours from {low:.3f} to {high:.3f}, the worst tenth alike"
    heads = [
        "\n".join([*textwrap.wrap(backbone, 20), *broken(_tested(board, domain), HEAD)])
        for domain, backbone in column_pairs(table)
    ]
    names = row_names(table)
    width = max(2.6 + COLUMN * columns, 5.0)
    longest = max(length(line, 7) for head in heads for line in head.split("\n"))
    aside = EDGE + max(length(name, 7.5) for name in names)
    need_width(aside + NUMBER * columns)
    # The note names the ends of the colours, too, and a head that has no room stands upright.
    has_bar = width_of(width) - aside - BAR >= longest * columns
    is_upright = width_of(width) - aside < longest * columns
    above = longest if is_upright else 0.14 * max(head.count("\n") for head in heads)
    figure = new_figure(width, 0.8 + 0.2 * rows + above, board.title, note)
    axis = figure.subplots()
    colors = colormaps["cividis"].with_extremes(bad="0.85")
    image = axis.imshow(np.ma.masked_invalid(values), aspect="auto", cmap=colors, vmin=low, vmax=high)
    middle = (low + high) / 2
    for row, column in np.ndindex(rows, columns):
        value = values[row, column]
        text = "-" if np.isnan(value) else f"{value:.3f}"
        axis.text(column, row, text, ha="center", va="center", fontsize=7, color="white" if value < middle else "black")
    axis.set_xticks(range(columns), heads, fontsize=7, rotation=90 if is_upright else 0)
    axis.xaxis.tick_top()
    axis.set_yticks(range(rows), names, fontsize=7.5)
    if has_bar:
        figure.colorbar(image, ax=axis, shrink=min(1.0, 4 / figure.get_figheight()), anchor=(0, 1.0))
    return figure


def _tested(board: Board, domain: str) -> str:
    return domain if domain == board.domain else f"→ {domain}"


def _is_shift(domain: str) -> bool:
    return bool(shift_of(domain)[1])


@register_plot
class Heatmap(Plot):
    """A metric by fusion and backbone on every domain tested on that is no shift."""

    name = "heatmap"

    def jobs(self, source: Source, metric: str, fusions: Sequence[str]) -> Iterable[Job]:
        return [(board.title, partial(draw_heatmap, board, metric)) for board in source.boards]
