"""What views draw with: pairs with captions, and what lies over an image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from bench.look.contract import WIDTH
from bench.look.subject import Rows, Subject
from bench.plots.style import BLUE, VERMILION, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEAM = 2  # white pixels between A and B, for images of 32
COLUMNS = 2
Heat = NDArray[np.float64]


def draw_pairs(subject: Subject, title: str, rows: Rows, marked: bool = False) -> Figure:
    """Pairs with their captions, two beside each other.

    Args:
        marked: whether each has a frame and a sign that say whether the decision is right.
    """
    lines = math.ceil(len(rows) / COLUMNS)
    figure = new_figure(WIDTH, 0.4 + 1.45 * lines, title)
    axes = figure.subplots(lines, COLUMNS, squeeze=False).flat
    for axis, row in zip(axes, rows.tolist(), strict=False):
        a, b = (as_picture(side[0]) for side in subject.images(np.asarray([row])))
        seam = np.full((len(a), max(1, SEAM * len(a) // 32), 3), 255, dtype=np.uint8)
        axis.imshow(np.concatenate([a, seam, b], axis=1), interpolation="nearest")
        caption = subject.caption(row)
        if marked:
            _mark(axis, bool(subject.right[row]))
            caption[0] = ("✓ " if subject.right[row] else "✗ ") + caption[0]
        axis.set_title("\n".join(caption), fontsize=8.5, linespacing=1.15, pad=3)
        _without_ticks(axis)
    for axis in list(figure.axes)[len(rows) :]:
        axis.set_axis_off()
    return figure


def draw_heat(
    subject: Subject, title: str, rows: Rows, heat: Heat, is_signed: bool, marks: Sequence[tuple[int, int]] = ()
) -> Figure:
    """Pairs, a line each: A, A with its heat, B, B with its heat.

    Args:
        heat: (N, 2, h, w) over the whole of A and of B, on a grid of its own. Colours are scaled by pair.
        is_signed: blue above 0, red below; else dark for little and yellow for much.
        marks: for each pair the place of A and that of B, as counted by row, which get a frame in the plain image.
    """
    figure = new_figure(WIDTH, 0.5 + 1.3 * len(rows), title)
    lines = figure.subfigures(len(rows), 1, squeeze=False)[:, 0]
    for place, (line, row) in enumerate(zip(lines, rows.tolist(), strict=True)):
        axes = line.subplots(1, 4)
        images = [as_picture(side[0]) for side in subject.images(np.asarray([row]))]
        limits = _limits(heat[place], is_signed)
        for side, image in enumerate(images):
            plain, covered = axes[2 * side], axes[2 * side + 1]
            plain.imshow(image, interpolation="nearest")
            _cover(covered, image, heat[place, side], limits, is_signed)
            if marks:
                _frame(plain, image, heat.shape[2:], marks[place][side])
        sign = "✓" if subject.right[row] else "✗"
        named, scored, _ = subject.caption(row)
        line.suptitle(f"{sign} {named}: {scored}", fontsize=8.5, x=0.01, ha="left")
        for axis in axes:
            _without_ticks(axis)
    return figure


def as_picture(image: Tensor) -> NDArray[np.uint8]:
    """An image (C, H, W) of three channels or of one as (H, W, 3)."""
    found: NDArray[np.uint8] = image.expand(3, -1, -1).permute(1, 2, 0).numpy()
    return found


def _limits(heat: Heat, is_signed: bool) -> tuple[float, float]:
    if is_signed:
        largest = float(np.abs(heat).max()) or 1.0
        return -largest, largest
    low, high = float(heat.min()), float(heat.max())
    return low, high if high > low else low + 1.0


def _cover(axis: Axes, image: NDArray[np.uint8], heat: Heat, limits: tuple[float, float], is_signed: bool) -> None:
    height, width = image.shape[:2]
    axis.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.imshow(
        heat,
        cmap="RdBu" if is_signed else "inferno",
        vmin=limits[0],
        vmax=limits[1],
        alpha=0.65,
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )


def _frame(axis: Axes, image: NDArray[np.uint8], grid: tuple[int, ...], place: int) -> None:
    from matplotlib.patches import Rectangle

    high, wide = image.shape[0] / grid[0], image.shape[1] / grid[1]
    corner = (place % grid[1]) * wide - 0.5, (place // grid[1]) * high - 0.5
    # Dark under light: seen on any colour.
    for colour, width in (("black", 3.2), ("white", 1.4)):
        axis.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor=colour, linewidth=width))


def _mark(axis: Axes, is_right: bool) -> None:
    for spine in axis.spines.values():
        spine.set(edgecolor=BLUE if is_right else VERMILION, linewidth=2, linestyle="-" if is_right else "--")


def _without_ticks(axis: Axes) -> None:
    axis.set_xticks([])
    axis.set_yticks([])
