"""What all pictures share: colours for colour-blind readers, the heading, and the names of metrics."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.errors import UsageError
from bench.metrics import HIGHER, LOWER, METRICS, NEITHER
from bench.stats.intervals import FEWEST_SEEDS, LEVEL
from bench.text import counts_of, printable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bench.records.record import Repeats

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


LARGE, SMALL = 10.5, 8.5  # points: a title, and what is said below it
FAR = 3.0
LETTER = 0.545  # width of a letter on average, as a share of its size
MARGIN = 0.12  # inches between the edge of a picture and its heading


@dataclass(frozen=True)
class Look:
    """How pictures that are drawn meanwhile look, whatever each of them would choose.

    Attributes:
        width: in inches.
        title: instead of the conditions; an empty one leaves out what is said below it, too, for a caption elsewhere.
    """

    width: float | None = None
    title: str | None = None


AS_DESIGNED = Look()
_LOOK: ContextVar[Look] = ContextVar("look", default=AS_DESIGNED)


@contextmanager
def looking(look: Look) -> Iterator[None]:
    """Pictures drawn meanwhile have this look."""
    before = _LOOK.set(look)
    try:
        yield
    finally:
        _LOOK.reset(before)


def width_of(width: float) -> float:
    """In inches, of a picture that would choose ``width`` itself."""
    return _LOOK.get().width or width


def columns_of(panels: int, each: float, width: float) -> int:
    """How many of some panels, of which each needs so many inches, stand beside each other in a picture that would
    choose ``width`` itself; one at least."""
    return max(min(panels, int(width_of(width) / each)), 1)


def need_width(least: float) -> None:
    """Of what is to be drawn now, in inches.

    Raises:
        UsageError: the width asked for is less.
    """
    width = _LOOK.get().width
    if width is not None and width < least:
        raise UsageError(f"--width {width:g}: too narrow, at least {math.ceil(10 * least) / 10:g}")


def heading_of(title: str, note: str, width: float) -> tuple[list[str], list[str]]:
    """The lines of a title and of what is said below it, as they are asked for, wrapped to a width in inches."""
    look = _LOOK.get()
    titles = textwrap.wrap(printable(title if look.title is None else look.title), room(width, LARGE * 1.12))
    return titles, textwrap.wrap(note, room(width, SMALL)) if look.title != "" else []


def new_figure(width: float, height: float, title: str, note: str = "") -> Figure:
    """A figure of so many inches below a heading: the title, and smaller what the marks mean, wrapped to its width.

    Args:
        height: of the drawing; the heading comes on top of it.
    """
    from matplotlib.figure import Figure

    width = width_of(width)
    titles, notes = heading_of(title, note, width)
    heading = (1.35 * LARGE * len(titles) + 1.35 * SMALL * len(notes)) / 72 + (2 * MARGIN if titles or notes else 0)
    figure = Figure(figsize=(width, height + heading), dpi=DOTS_PER_INCH, layout="constrained")
    figure.set_layout_engine("constrained", rect=(0, 0, 1, height / (height + heading)), w_pad=0.8 * MARGIN)
    left, top = MARGIN / width, 1 - MARGIN / (height + heading)
    looks: dict[str, Any] = {"ha": "left", "va": "top", "linespacing": 1.25, "in_layout": False}
    figure.text(left, top, "\n".join(titles), fontsize=LARGE, fontweight="bold", **looks)
    below = top - 1.38 * LARGE * len(titles) / 72 / (height + heading)
    figure.text(left, below, "\n".join(notes), fontsize=SMALL, color=GREY, **looks)
    return figure


def room(width: float, size: float) -> int:
    """Letters of so many points that a line of so many inches has room for, within margins; a dozen at least."""
    return max(int(72 * (width - 2 * MARGIN) / (LETTER * size)), 12)


def broken(name: str, most: int) -> list[str]:
    """A name with parameters in lines of ``most`` letters, broken behind colons and slashes rather than inside a
    word."""
    lines = [""]
    for piece in re.split("(?<=[:/])", name):
        if lines[-1] and len(lines[-1] + piece) > most:
            lines.append("")
        lines[-1] += piece
    return [part for line in lines for part in textwrap.wrap(line, most)]


def length(text: str, size: float) -> float:
    """About how many inches a line of letters of so many points takes."""
    return LETTER * size * len(text) / 72


def add_legend(figure: Figure, names: Sequence[str], least: float, **more: Any) -> None:
    """Right of the panels where the picture is at least so many inches wide, else below them, in as many columns as
    there is room for.

    Args:
        names: of its entries. more: of ``Figure.legend``.
    """
    width, each = figure.get_figwidth(), 0.6 + max((length(name, 8) for name in names), default=0.0)
    is_beside = width >= least
    place = {"loc": "outside right upper"} if is_beside else {"loc": "outside lower center"}
    columns = 1 if is_beside else max(int((width - 2 * MARGIN) / each), 1)
    figure.legend(**{**place, **more} if is_beside else {**more, **place}, ncols=columns, fontsize=8, frameon=False)


def reach(distances: NDArray[np.float64], least: float = 0.0) -> float:
    """How far from 0 an axis goes that is zoomed to the better half: as far as these, or as all, where that is no more
    than ``FAR`` times as far.

    Args:
        distances: (n,) best first, 0 or more. least: that the axis holds at any rate.
    """
    near = max(float(distances[: -(-len(distances) // 2)].max()), least)
    every = max(float(distances.max()), least)
    return every if every <= FAR * near else near


def metric_label(metric: str) -> str:
    """Name of a metric with the arrow of its better direction."""
    return f"{metric}{ARROWS[METRICS.get(metric).direction]}"


def interval_over(repeats: Repeats) -> str:
    """What a line or a band around a mean is."""
    return f"{100 * LEVEL:.0f} % t interval over {repeats}s"


def with_role(name: str, role: str) -> str:
    """What a line is called: its name, and whatever is no fusion by its role, too."""
    return name if role == "fusion" else f"{name} ({role})"


def repeats_note(lines: pd.DataFrame) -> str:
    """How many seeds or replicates the fusions among the lines have, which are of one board; all, where there is none.

    References and controls are not compared: how many they have says nothing about what can be inferred.
    """
    fusions = lines[lines["role"] == "fusion"]
    counts = (fusions if len(fusions) else lines)["n_seeds"].astype(int).tolist()
    few = "" if min(counts) >= FEWEST_SEEDS else ", too few to infer from"
    return counts_of(counts, lines["repeats"].iloc[0]) + few


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Sorted positions at least ``gap`` apart, moved by as little as possible in the sense of least squares."""
    from scipy.optimize import isotonic_regression  # slow to load

    if not positions:
        return []
    steps = gap * np.arange(len(positions))
    return list((isotonic_regression(np.asarray(positions, dtype=float) - steps).x + steps).tolist())
