"""The pictures of what was tried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.debug.course import Course
from bench.debug.findings import Findings
from bench.debug.trials import Trial
from bench.plots.style import BLUE, COLORS, GREY, ORANGE, new_figure
from bench.text import human

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 40


def draw_course(course: Course) -> Figure:
    """Loss and accuracy of the training beside those of validation, and the gradient of each layer."""
    figure = new_figure(
        12, 3.6, "One training", "lines: on the training pairs; points: on validation pairs, with their best F1"
    )
    loss, accuracy, gradients = figure.subplots(1, 3)
    seen = [point[0] for point in course.history.curve]
    checks = course.history.checks
    pairs = [check.pairs for check in checks]
    for axis, column, values, label in (
        (loss, 1, [check.loss for check in checks], "loss"),
        (accuracy, 2, [check.f1 for check in checks], "accuracy, of validation F1"),
    ):
        axis.plot(seen, [point[column] for point in course.history.curve], color=BLUE)
        axis.plot(pairs, values, color=ORANGE, marker="o", markersize=4, linewidth=0.6)
        axis.set_ylabel(label)
    for place, layer in enumerate(checks[0].gradients if checks else ()):
        norms = [check.gradients[layer] for check in checks]
        gradients.plot(pairs, norms, color=COLORS[place % len(COLORS)], marker="o", markersize=3, label=layer)
    gradients.set_yscale("log")
    # Formulas, as the usual labels are, stay as they are written here.
    gradients.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    gradients.yaxis.set_minor_formatter(lambda value, _: "")
    gradients.set_ylabel("norm of the gradient")
    gradients.legend(fontsize=7, frameon=False)
    for axis in (loss, accuracy, gradients):
        _pairs(axis)
    return figure


def draw_trials(title: str, note: str, trials: Sequence[Trial]) -> Figure:
    """A panel for each trial: loss, and accuracy from 0 to 1 on the right."""
    figure = new_figure(max(8, 2.1 * len(trials)), 2.9, title, note)
    panels = figure.subplots(1, len(trials), squeeze=False)[0]
    top = max([loss for trial in trials for _, loss, _ in trial.curve if np.isfinite(loss)], default=1.0)
    for axis, trial in zip(panels, trials, strict=True):
        axis.set_title(trial.name, fontsize=9)
        seen = [point[0] for point in trial.curve]
        axis.plot(seen, [point[1] for point in trial.curve], color=BLUE)
        # What explodes would press all else flat.
        axis.set_ylim(0, min(1.05 * top, 3.0))
        other = axis.twinx()
        other.plot(seen, [point[2] for point in trial.curve], color=ORANGE)
        other.set_ylim(0, 1.02)
        other.tick_params(colors=ORANGE, labelsize=7)
        axis.tick_params(axis="y", colors=BLUE, labelsize=7)
        if trial.diverged:
            axis.text(0.5, 0.5, "diverged", ha="center", transform=axis.transAxes, color=GREY)
        _pairs(axis)
        axis.tick_params(axis="x", labelsize=7)
    return figure


def draw_similarity(found: Findings) -> Figure:
    """Scores, and cosines of the encodings where there are any, of same and of different pairs, before and after."""
    course = found.course
    looks = [("before training", course.before), *([("after training", course.after)] if course.after else [])]
    figure = new_figure(
        3.6 * max(2, len(looks)), 4.8, "Validation pairs", "blue: same, orange: different; dashed: score 0"
    )
    axes = figure.subplots(2, len(looks), squeeze=False)
    for column, (when, look) in enumerate(looks):
        _histogram(axes[0][column], f"score, {when}", look.scores, course.label)
        axes[0][column].axvline(0, color=GREY, linestyle="--", linewidth=0.8)
        if look.cosine is not None:
            _histogram(axes[1][column], f"cosine of the encodings, {when}", look.cosine, course.label)
        else:
            axes[1][column].set_axis_off()
    return figure


def _histogram(axis: Axes, title: str, values: NDArray[np.float32], label: NDArray[np.int64]) -> None:
    low, high = float(values.min()), float(values.max())
    bins = np.linspace(low, high if high > low else low + 1e-6, BINS + 1)
    for color, kind in ((BLUE, 1), (ORANGE, 0)):
        axis.hist(values[label == kind], bins=bins.tolist(), color=color, alpha=0.6)
    axis.set_title(f"{title}: {low:.3g} to {high:.3g}", fontsize=9)
    axis.tick_params(labelsize=7)


def _pairs(axis: Axes) -> None:
    axis.set_xlabel("pairs seen", fontsize=8)
    axis.xaxis.set_major_formatter(lambda value, _: human(value))
    axis.grid(color="0.93")
