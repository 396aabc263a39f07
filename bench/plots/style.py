"""What all pictures share: colours for colour-blind readers, names of metrics, and the file they become."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from bench.metrics import HIGHER, LOWER, METRICS, NEITHER
from bench.stats.intervals import LEVEL

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Okabe and Ito, 2008, Color universal design; yellow is too light for lines on white.
BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7"
COLORS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY)
GREY, QUIET = "#767676", "#BBBBBB"
MARKERS = "osD^vPX*"
LINES = ("-", "--", ":")
DOTS_PER_INCH = 130
ARROWS = {HIGHER: " ↑", LOWER: " ↓", NEITHER: ""}
INTERVAL = f"{100 * LEVEL:.0f} % t interval over seeds"


class NothingToDrawError(Exception):
    """The data of a picture are not there; the message says which ones, in one line."""


def new_figure(width: float, height: float, title: str, note: str = "") -> Figure:
    """A figure of so many inches with a heading that is wrapped to its width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout="constrained")
    lines = [*textwrap.wrap(title, int(12.5 * width)), *textwrap.wrap(note, int(12.5 * width))]
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
