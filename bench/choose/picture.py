"""The picture of a race: the validation score of every fusion in every replicate, and where it was dropped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.choose.answer import Answer
from bench.choose.course import WORSE, Course
from bench.metrics import METRICS, SHARE, Metric
from bench.plots.style import COLORS, MUTED, QUIET, VERMILION, metric_label, new_figure, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# More names than this stand far from their lines.
MOST_NAMES = 8


def draw_race(answer: Answer) -> Figure:
    """A panel per stage: running means over replicates, single scores as dots, a cross where one was dropped."""
    state = answer.state
    stages = [("screening, frozen", state.screening)] if state.screening is not state.final else []
    stages.append((f"race, {state.question.sweep.protocol}", state.final))
    shown = [(name, course) for name, course in stages if course is not None and course.numbers]
    sweep = state.question.sweep
    note = "mean over the replicates so far; dots: single replicates; x: dropped, +: failed; thick: tie for the best"
    title = f"Which fusion for {sweep.domain[0]}? {sweep.backbone[0]}"
    figure = new_figure(2.4 + 3.9 * len(shown), 4.6, title, note)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    colors = dict(zip(answer.course.ranked, [*COLORS, *MUTED], strict=False))
    for axis, (name, course) in zip(panels, shown, strict=True):
        _draw(axis, course, answer, colors)
        axis.set_title(name, fontsize=9)
        axis.set_xlabel("replicates")
    panels[0].set_ylabel(f"{metric_label(state.question.select)} on validation pairs")
    return figure


def _draw(axis: Axes, course: Course, answer: Answer, colors: dict[str, str]) -> None:
    best = {answer.chosen, *answer.ties}
    ends: list[tuple[float, str]] = []
    for fusion in reversed(course.ranked):
        scores, color = course.scores(fusion), colors.get(fusion, QUIET)
        if not len(scores):
            continue
        steps = np.arange(1, len(scores) + 1)
        means = np.cumsum(scores) / steps
        axis.plot(
            steps, means, color=color, linewidth=2.2 if fusion in best else 1.0, zorder=3 if fusion in best else 2
        )
        axis.scatter(steps, scores, color=color, s=7, alpha=0.5, linewidths=0, zorder=2)
        if fusion in course.left:
            mark = "x" if course.left[fusion].reason == WORSE else "+"
            axis.scatter(steps[-1], means[-1], marker=mark, color=VERMILION, s=28, zorder=4)
        ends.append((float(means[-1]), fusion))
    most = len(course.numbers)
    axis.set_xlim(0.7, most + max(0.6, 0.4 * most))
    axis.set_xticks([step for step in range(1, most + 1) if most <= 10 or step % 2 == 0])
    axis.spines[["top", "right"]].set_visible(False)
    # The best come last.
    ends = sorted(ends[-MOST_NAMES:])
    places = _places(axis, [mean for mean, _ in ends], METRICS.get(answer.state.question.select))
    for place, (_, fusion) in zip(places, ends, strict=True):
        weight = "bold" if fusion in best else "normal"
        color = colors.get(fusion, QUIET)
        axis.text(most + 0.15, place, fusion, fontsize=6.5, va="center", color=color, weight=weight)


def _places(axis: Axes, means: Sequence[float], metric: type[Metric]) -> list[float]:
    """Heights of names at the right, moved apart, within the axis: early means lie close, and push the names far from
    them, yet not beyond what a share can be. The axis is made to hold them."""
    low, high = axis.get_ylim()
    gap = 0.045 * (high - low)
    places = spread(means, gap)
    over = max(places[-1] - 1, 0) or min(places[0], 0) if metric.unit == SHARE else 0
    places = [place - over for place in places]
    axis.set_ylim(min(low, places[0] - gap), max(high, places[-1] + gap))
    return places
