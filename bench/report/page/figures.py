"""The figures of the page, as Plotly's JSON: each a title and one or more views to choose from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.metrics import METRICS, NEITHER
from bench.plots.board import Board
from bench.plots.curves import learned, styles
from bench.plots.heatmap import color_range, column_pairs, heat_table, row_names, row_pairs
from bench.plots.pareto import LONGEST, SHOWN, Judge, front_of
from bench.plots.shades import shade_of
from bench.plots.style import COLORS, metric_label, with_role
from bench.records.columns import Cost
from bench.records.entries import Entry
from bench.records.learning import Learning
from bench.records.record import Group
from bench.records.sections import Section
from bench.stats.intervals import Array, Estimates
from bench.text import printable, shortened
from bench.verdicts.standings import Standings
from bench.verdicts.unit import unit_of

View = dict[str, Any]
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")
DASHES = {"-": "solid", "--": "dash", ":": "dot", "-.": "dashdot"}
GREY = "#888888"  # to be seen on a light and on a dark page
ROW_OF_FOREST = 24  # pixels
ROW = 17  # pixels of a row of the heat map
MOST_ROWS = 100


def pareto_views(board: Board, section: Section, metric: str, margin: float) -> list[View]:
    """A metric against each cost; ringed and joined: fusions that are surely better than the cheaper one. These have a
    number, and so has the best of all.

    Args:
        section: of the same lines. margin: in the unit of the metric.
    """
    lines = board.ranked("fusion", metric)
    if METRICS.get(metric).direction == NEITHER or lines.empty:
        return []
    judge = Judge(lines, metric, section, margin)
    return [_pareto_view(board, metric, cost, judge) for cost in board.costs(SHOWN)]


def _pareto_view(board: Board, metric: str, cost: Cost, judge: Judge) -> View:
    lines = board.ranked("fusion", metric)
    on_front = front_of(lines, metric, cost, judge)
    front = lines[on_front].sort_values(cost.field)
    data: list[View] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Pareto front",
            "x": _plain(front[cost.field]),
            "y": _plain(front[f"{metric}_mean"]),
            "line": {"color": GREY, "width": 1.5, "shape": "linear"},
            "hoverinfo": "skip",
        }
    ]
    for place, backbone in enumerate(board.backbones):
        own = lines[lines["backbone"] == backbone]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": _label(backbone),
                "x": _plain(own[cost.field]),
                "y": _plain(own[f"{metric}_mean"]),
                "error_y": {"array": _plain(own[f"{metric}_hw"].fillna(0)), "thickness": 0.7, "width": 0},
                "text": [_label(f"{name} × {backbone}") for name in own["fusion"]],
                "marker": {
                    "size": 9,
                    "color": COLORS[place % len(COLORS)],
                    "symbol": SYMBOLS[place % len(SYMBOLS)],
                    "opacity": 0.85,
                },
                "hovertemplate": f"<b>%{{text}}</b><br>{metric} %{{y:.3f}} ± %{{error_y.array:.3f}}<br>"
                f"{cost.header} %{{x:.4s}}<extra></extra>",
            }
        )
    # The best stands first.
    named = on_front | (np.arange(len(lines)) == 0)
    for number, at in enumerate(np.flatnonzero(named), 1):
        name, backbone, x, y = lines.iloc[at][["fusion", "backbone", cost.field, f"{metric}_mean"]]
        data.append(_marked(number, name if len(board.backbones) == 1 else f"{name} × {backbone}", x, y, on_front[at]))
    arrow = "→ better" if cost.is_rate else "← better"
    axes = {"xaxis": {"type": "log", "title": {"text": f"{cost.header} {arrow}"}}}
    return _view(cost.header, data, {**axes, "yaxis": {"title": {"text": metric_label(metric)}}})


def _marked(number: int, name: str, x: float, y: float, is_on_front: bool) -> View:
    """A mark around a point with a number beside it, which the legend gives the name of: there is no room for names
    among many points."""
    return {
        "type": "scatter",
        "mode": "markers+text",
        "name": f"{number} {_label(shortened(name, LONGEST))}",
        "x": _plain([x]),
        "y": _plain([y]),
        "text": [str(number)],
        "textposition": "top center",
        "marker": {
            "symbol": "circle-open" if is_on_front else "diamond-open",
            "size": 17,
            "color": GREY,
            "line": {"width": 2.5},
        },
        "hoverinfo": "skip",
    }


def forest_views(name: str, found: Standings) -> list[View]:
    """Differences from the best fusion or a baseline, with their intervals: a view of that ``name``, or none."""
    metric, unit = found.metric, unit_of(found.metric)
    shown = [(one, one.verdict.paired) for one in found.members if one.verdict and one.verdict.paired.n]
    if not shown:
        return []
    data = {
        "type": "scatter",
        "mode": "markers",
        "x": _plain([unit.scale * paired.mean for _, paired in shown]),
        "y": [_label(one.fusion) for one, _ in shown],
        "error_x": {
            "array": _plain(np.nan_to_num([unit.scale * paired.half_width for _, paired in shown])),
            "thickness": 1.5,
            "width": 0,
            "color": GREY,
        },
        "marker": {"size": 9, "color": [shade_of(one, found).line for one, _ in shown]},
        "text": [f"{one.mean:.3f}" for one, _ in shown],
        "hovertemplate": f"<b>%{{y}}</b> %{{text}}<br>%{{x:+.2f}} ± %{{error_x.array:.2f}}{unit.name}<extra></extra>",
    }
    band = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 0}, "fillcolor": GREY}
    ends = {"x0": -unit.scale * found.margin, "x1": unit.scale * found.margin, "opacity": 0.15, "layer": "below"}
    layout = {
        "height": 120 + ROW_OF_FOREST * len(shown),
        "yaxis": {"autorange": "reversed", "automargin": True, "dtick": 1},
        "xaxis": {"title": {"text": f"{metric_label(metric)}:{unit.name}<br>from {_label(found.baseline)}"}},
        "shapes": [band | ends],
    }
    return [_view(name, [data], layout)]


def heatmap_views(board: Board, metric: str) -> list[View]:
    """The best ``MOST_ROWS`` fusions and the references x backbone, a view per evaluated domain that is no shift."""
    table = heat_table(board, metric)
    if table.empty:
        return []
    low, high = color_range(table, metric)
    # Fusions stand first, the best one on top.
    table = table[[role != "fusion" or place < MOST_ROWS for place, (role, _) in enumerate(row_pairs(table))]]
    names = [_label(name) for name in row_names(table)]
    domains = list(dict.fromkeys(domain for domain, _ in column_pairs(table)))
    views = []
    for domain in domains:
        part = table[domain]
        data = {
            "type": "heatmap",
            "x": [_label(backbone) for backbone in part.columns],
            "y": names,
            "z": [_plain(row) for row in part.to_numpy(dtype=float)],
            "colorscale": "Cividis",
            "zmin": low,
            "zmax": high,
            "texttemplate": "%{z:.3f}",
            "hovertemplate": f"<b>%{{y}} × %{{x}}</b><br>{metric} on {_label(domain)} %{{z:.4f}}<extra></extra>",
            "hoverongaps": False,
            "colorbar": {"thickness": 12},
        }
        layout = {
            "height": 140 + ROW * len(names),
            "yaxis": {"autorange": "reversed", "automargin": True, "dtick": 1, "tickfont": {"size": 11}},
            "xaxis": {"side": "top", "automargin": True},
        }
        views.append(_view(f"tested on {domain}", [data], layout))
    return views


def learning_views(section: Section, curves: Mapping[Group, Learning], metric: str) -> list[View]:
    """Training accuracy and loss against the pairs seen: the best fusions and the references, for one backbone."""
    entries = [entry for entry in learned(section, metric, ()) if entry.group in curves]
    if not entries:
        return []
    return [
        _learning_view("accuracy", entries, {group: (one.pairs, one.accuracy) for group, one in curves.items()}),
        _learning_view("loss", entries, {group: (one.pairs, one.loss) for group, one in curves.items()}),
    ]


def _learning_view(name: str, entries: Sequence[Entry], curves: Mapping[Group, tuple[Array, Estimates]]) -> View:
    data, looks = [], styles(entries)
    for entry in entries:
        pairs, found = curves[entry.group]
        color, line = looks[entry.group.fusion]
        is_reference = entry.role == "reference"
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": _label(with_role(entry.group.fusion, entry.role)),
                "x": _plain(pairs),
                "y": [value and round(value, 4) for value in _plain(found.mean)],
                "line": {
                    "color": GREY if is_reference else color,
                    "dash": DASHES[line],
                    "width": 2,
                },
                "hovertemplate": f"%{{x:,}} pairs: {name} %{{y:.3f}}",
            }
        )
    layout = {
        "xaxis": {"title": {"text": "training pairs seen"}},
        "yaxis": {"title": {"text": f"{name} on the training pairs"}},
        "hovermode": "closest",
    }
    return _view(name, data, layout)


def _label(text: str) -> str:
    """``text`` that Plotly shows as it is: it takes tags and entities for markup, and fills in what follows ``%``."""
    shown = printable(text).replace("&", "&amp;").replace("<", "&lt;")
    return shown.replace("%{", "%&#123;")


def _view(name: str, data: Sequence[View], layout: View) -> View:
    return {"name": name, "data": list(data), "layout": layout}


def _plain(values: Any) -> list[float | None]:
    """Numbers for JSON, which knows no nan."""
    return [float(value) if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]
