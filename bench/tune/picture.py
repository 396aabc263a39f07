"""How the validation metric of each fusion depends on each field of the recipe, as a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.plots.style import BLUE, GREY, QUIET, VERMILION, metric_label, new_figure
from bench.tune.space import Range, Space, Values
from bench.tune.trials import Outcome, Tuned, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH = 2.4, 1.25  # inches of a panel


def draw_sensitivity(
    title: str, tuned: Sequence[Tuned], space: Space, default: Mapping[str, Any], metric: str
) -> Figure:
    """A row of panels per fusion, one for each field: a point per trial, the chosen one and the default one marked.

    Args:
        tuned: of one domain and backbone. default: what trial 0 has in the fields of the space.
    """
    note = f"validation {metric} of every trial; star: chosen; diamond: default recipe; cross: no result"
    figure = new_figure(1.2 + WIDE * max(len(space), 2), 1.2 + HIGH * len(tuned), title, note)
    panels = figure.subplots(len(tuned), len(space), squeeze=False, sharex="col", sharey=True)
    for row, one in zip(panels, tuned, strict=True):
        for axis, (name, dimension) in zip(row, space.items(), strict=True):
            _draw(axis, one, name, _Positions(dimension, default[name]), default[name])
            axis.grid(color="0.93")
            axis.set_axisbelow(True)
        row[-1].annotate(
            one.subject.fusion, (1.02, 0.5), xycoords="axes fraction", rotation=270, va="center", fontsize=8
        )
        row[0].set_ylabel(metric_label(metric), fontsize=8)
    for axis, (name, dimension) in zip(panels[-1], space.items(), strict=True):
        _Positions(dimension, default[name]).label(axis)
        axis.set_xlabel(name)
    return figure


class _Positions:
    """Where the values of a field stand on its axis: numbers of a range by themselves, listed values side by side,
    numbers by size and others as they are listed."""

    def __init__(self, dimension: Range | Values, default: Any) -> None:
        self._range = dimension if isinstance(dimension, Range) else None
        listed = dimension.values if isinstance(dimension, Values) else ()
        self._listed = [*listed, *([] if default in listed else [default])]
        if all(isinstance(value, int | float) for value in self._listed):
            self._listed.sort()

    def of(self, value: Any) -> float:
        """The place of a value."""
        return float(value) if self._range else float(self._listed.index(value))

    def label(self, axis: Axes) -> None:
        """Scale and name the places of an axis."""
        if self._range:
            axis.set_xscale("log" if self._range.is_log else "linear")
            return
        axis.set_xticks(range(len(self._listed)), [written(value) for value in self._listed])
        axis.set_xlim(-0.6, len(self._listed) - 0.4)


def _draw(axis: Axes, one: Tuned, name: str, positions: _Positions, default: Any) -> None:
    def at(outcome: Outcome) -> float:
        return positions.of(outcome.trial.point.get(name, default))

    others = [outcome for outcome in one.outcomes[1:] if outcome != one.best and not math.isnan(outcome.value)]
    axis.plot([at(one) for one in others], [one.value for one in others], "o", color=BLUE, markersize=4, alpha=0.7)
    lost = [outcome for outcome in one.outcomes if math.isnan(outcome.value)]
    # At the lower edge, whatever the scale of the values.
    axis.plot(
        [at(one) for one in lost],
        [0.06] * len(lost),
        "x",
        color=GREY,
        markersize=5,
        transform=axis.get_xaxis_transform(),
    )
    if one.best is not None:
        axis.plot([at(one.best)], [one.best.value], "*", color=VERMILION, markersize=10)
    first = one.outcomes[0]
    if not math.isnan(first.value):
        axis.axhline(first.value, color=QUIET, linewidth=0.8, zorder=0)
        axis.plot([at(first)], [first.value], "D", color="black", markerfacecolor="none", markersize=5)
