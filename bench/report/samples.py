"""A picture of sample pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

COLUMNS = 8


def draw_sample_pairs(
    a: NDArray[np.uint8], b: NDArray[np.uint8], label: NDArray[np.integer], out: Path, columns: int = COLUMNS
) -> None:
    """Write a PNG of pairs side by side, each with its label.

    Args:
        a, b: (N, 3, H, W) images. label: (N,) 1 for same.
    """
    from matplotlib.figure import Figure

    rows = -(-len(label) // columns)
    figure = Figure(figsize=(1.9 * columns, 1.25 * rows), dpi=100, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    gap = np.full((a.shape[2], 2, 3), 255, dtype=np.uint8)
    for axis, first, second, same in zip(axes, a, b, label, strict=False):
        picture = np.concatenate([first.transpose(1, 2, 0), gap, second.transpose(1, 2, 0)], axis=1)
        axis.imshow(picture, interpolation="nearest")
        axis.set_title("same" if same else "different", fontsize=10, pad=3)
    for axis in axes:
        axis.set_axis_off()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out)
