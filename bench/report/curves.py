"""A picture of psychometric curves: a row of panels per table and backbone, a panel per factor."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.report.psychometric import THRESHOLD, Curve, Factor, Panel, Row, threshold
from bench.report.references import NAMING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The muted scheme of Tol (2021) for colour-blind readers, without its lightest colour; markers tell lines apart, too.
COLORS = ("#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
MARKERS = "osD^vPX*"
WIDTH, HEIGHT, LEGEND_LINE = 4.6, 3.6, 0.19
LOWEST = 0.4
TITLE = 55  # characters above one panel


def draw_curves(rows: Sequence[Row]) -> Figure:
    """A picture of the panels."""
    from matplotlib.figure import Figure

    columns = max(len(row.panels) for row in rows)
    heights = [HEIGHT + LEGEND_LINE * max(len(panel.curves) for panel in row.panels) for row in rows]
    figure = Figure(figsize=(WIDTH * columns, sum(heights)), dpi=150, layout="constrained")
    parts = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
    for part, row in zip(parts, rows, strict=True):
        heading = [*textwrap.wrap(row.title, TITLE * columns), *textwrap.wrap(row.note, TITLE * columns)]
        part.suptitle("\n".join(heading), fontsize=10)
        names = sorted({curve.name for panel in row.panels for curve in panel.curves if curve.role == "fusion"})
        axes = part.subplots(1, columns, sharey=True, squeeze=False)[0]
        for axis, panel in zip(axes, row.panels, strict=True):
            _draw_panel(axis, panel, names)
        axes[0].set_ylabel("accuracy")
    return figure


def _draw_panel(axis: Axes, panel: Panel, names: Sequence[str]) -> None:
    """Draw the curves of one factor; a fusion has the colour of its place in ``names`` in every panel of a row."""
    _draw_level(axis, THRESHOLD, f"{THRESHOLD:.2f}", "bottom")
    _draw_level(axis, 0.5, "chance", "top")
    axis.set_ylim(LOWEST, 1.02)
    axis.set_xlabel(panel.factor.label)
    if not panel.curves:
        axis.text(0.5, 0.3, "not tested", ha="center", transform=axis.transAxes)
        return
    for curve in panel.curves:
        _draw_curve(axis, curve, panel.factor, names)
    if panel.factor.is_logarithmic:
        axis.set_xscale("log")
    levels = sorted({level for curve in panel.curves for level in curve.levels.tolist()})
    axis.set_xticks(levels, [f"{level:g}" for level in levels], fontsize=8)
    axis.minorticks_off()
    title = f"{THRESHOLD:.0%} correct at".replace("%", " %")
    axis.legend(
        title=title, title_fontsize=8, fontsize=8, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.17)
    )


def _draw_level(axis: Axes, accuracy: float, name: str, side: str) -> None:
    axis.axhline(accuracy, color="0.6", linewidth=0.8, linestyle=":", zorder=0)
    at_right = ("axes fraction", "data")
    axis.annotate(name, (0.99, accuracy), xycoords=at_right, ha="right", va=side, color="0.4", fontsize=7)


def _draw_curve(axis: Axes, curve: Curve, factor: Factor, names: Sequence[str]) -> None:
    if curve.role == "reference":
        color, marker, line = "black", "", "--" if curve.name == NAMING else "-."
    else:
        place = names.index(curve.name)
        color, marker, line = COLORS[place], MARKERS[place], "-"
    label = f"{curve.name}: {threshold_text(curve, factor)}"
    axis.plot(
        curve.levels,
        curve.accuracy,
        color=color,
        marker=marker,
        linestyle=line,
        markersize=4.5,
        linewidth=1.3,
        label=label,
    )
    low, high = curve.accuracy - curve.half_width, curve.accuracy + curve.half_width
    axis.fill_between(curve.levels, low, high, color=color, alpha=0.12, linewidth=0)


def threshold_text(curve: Curve, factor: Factor) -> str:
    """The threshold with its unit, or on which side of the levels it lies."""
    value = threshold(curve, factor)
    if math.isnan(value):
        return "not reached"
    if math.isinf(value):
        hardest = curve.levels.min() if factor.is_easier_upwards else curve.levels.max()
        return f"every level ({'<' if factor.is_easier_upwards else '>'} {hardest:g}{factor.unit})"
    return f"{value:#.3g}{factor.unit}"
