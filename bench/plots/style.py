"""What all pictures share: colours for colour-blind readers, names of metrics, and the file they become."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench.metrics import HIGHER, LOWER, METRICS, NEITHER
from bench.stats.intervals import LEVEL
from bench.text import printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Okabe and Ito, 2008, Color universal design; yellow is too light for lines on white.
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
COLORS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
# The muted scheme of Tol (2021) for colour-blind readers, without its lightest colour.
MUTED = ("#332288", "#CC6677", "#117733", "#88CCEE", "#882255", "#44AA99", "#999933", "#AA4499")
GREY, QUIET = "#767676", "#BBBBBB"
MARKERS = "osD^vPX*"
LINES = ("-", "--", ":")
LINES_OF_REFERENCES = ("-.", ":", "--")
DOTS_PER_INCH = 130
ARROWS = {HIGHER: " ↑", LOWER: " ↓", NEITHER: ""}
INTERVAL = f"{100 * LEVEL:.0f} % t interval over seeds"


def new_figure(width: float, height: float, title: str, note: str = "") -> Figure:
    """A figure of so many inches with a heading that is wrapped to its width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    lines = [*textwrap.wrap(printable(title), int(12.5 * width)), *textwrap.wrap(note, int(12.5 * width))]
    figure.suptitle("\n".join(lines), fontsize=10)
    return figure


def metric_label(metric: str) -> str:
    """Name of a metric with the arrow of its better direction."""
    return f"{metric}{ARROWS[METRICS.get(metric).direction]}"


def seeds_note(lines: pd.DataFrame) -> str:
    """How many seeds the lines have."""
    fewest, most = int(lines["n_seeds"].min()), int(lines["n_seeds"].max())
    seeds = f"{most} seed{'s' if most > 1 else ''}" if fewest == most else f"{fewest} to {most} seeds"
    return seeds + ("" if fewest >= 5 else ", too few to infer from")


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Sorted positions at least ``gap`` apart, moved by as little as possible in the sense of least squares."""
    from scipy.optimize import isotonic_regression  # slow to load

    if not positions:
        return []
    steps = gap * np.arange(len(positions))
    return list((isotonic_regression(np.asarray(positions, dtype=float) - steps).x + steps).tolist())
