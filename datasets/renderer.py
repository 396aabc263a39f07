"""Draws antialiased figures on grounds, whole batches at a time.

One mechanism for all shapes: the signed distance of every pixel centre is read from a table, and the coverage falls
from 1 to 0 over one pixel across the outline. No shape is drawn sharper, larger or by other rules than another.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .scene import Bar, Pose, Scene
from .shapes import BANK_SHAPES, TABLE_EXTENT, TABLE_SIZE, TASK_SHAPES, circumradius, distance_table

IMAGE_SIZE = 32
MIN_RADIUS = 4.0
CHUNK = 256
# Beyond its outline a figure covers pixels whose centres lie up to half a pixel away; the rest is for interpolation.
BORDER = 0.75
RADIUS_COLUMN = 0


@cache
def max_circumradius() -> float:
    """Circumradius of the most extended shape of all, in units of the equal-area radius."""
    return max(map(circumradius, TASK_SHAPES + BANK_SHAPES))


def max_radius(reach: float) -> float:
    """Largest equal-area radius in pixels at which shapes of circumradius ``reach`` fit into the frame."""
    return (IMAGE_SIZE - 1) / 2 / reach


def pose(u: Tensor, min_radius: float = MIN_RADIUS) -> Pose:
    """Place, size and angle from uniform numbers ``u`` (N, 4).

    The disc around the *most extended* shape stays inside the frame for every shape: a limit that looked at the shape
    itself would let place and size tell the shapes apart.
    """
    reach = max_circumradius()
    radius = min_radius + u[:, RADIUS_COLUMN] * (max_radius(reach) - min_radius)
    margin = reach * radius + 0.5
    x = margin + u[:, 1] * (IMAGE_SIZE - 2 * margin)
    y = margin + u[:, 2] * (IMAGE_SIZE - 2 * margin)
    return Pose(x.float(), y.float(), radius.float(), (u[:, 3] * 2 * math.pi).float())


@dataclass(frozen=True)
class Window:
    """A square of pixels of each image.

    Attributes:
        side: in pixels.
        left, top: (N,) int64, or (1,) where it is the same in all images.
    """

    side: int
    left: Tensor
    top: Tensor

    def columns(self) -> Tensor:
        """Horizontal centres of the pixels (N, side) float32."""
        return self.left[:, None] + torch.arange(self.side) + 0.5

    def rows(self) -> Tensor:
        """Vertical centres of the pixels (N, side) float32."""
        return self.top[:, None] + torch.arange(self.side) + 0.5

    def cut(self, images: Tensor, chosen: Tensor) -> Tensor:
        """The windows (N, C, side, side) of the ``chosen`` (N,) of images (M, C, H, W)."""
        return torch.from_numpy(windows(images, self.side)[self._at(chosen)])

    def paste(self, images: Tensor, chosen: Tensor, values: Tensor) -> None:
        """Write ``values`` (N, C, side, side) over the windows of the ``chosen`` images, in place."""
        windows(images, self.side)[self._at(chosen)] = values.numpy()

    def _at(self, chosen: Tensor) -> tuple[NDArray[np.int64] | slice, ...]:
        return chosen.numpy(), slice(None), self.top.numpy(), self.left.numpy()


def windows(images: Tensor, side: int) -> NDArray[np.uint8]:
    """All square windows of uint8 images (N, C, H, W): a view (N, C, H - side + 1, W - side + 1, side, side) to read
    and write through. NumPy copies whole rows of a window where torch copies byte by byte."""
    return np.lib.stride_tricks.sliding_window_view(images.numpy(), (side, side), axis=(2, 3), writeable=True)


FRAME = Window(IMAGE_SIZE, torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long))


def signed_distances(shape: Tensor, pose: Pose, shapes: tuple[str, ...], window: Window = FRAME) -> Tensor:
    """Distance in pixels of every pixel centre to the outline, negative inside; clamped far outside.

    Args:
        shape: (N,) int64, index into ``shapes``.

    Returns:
        (N, side, side) float32, of the pixels in the window.
    """
    table = distance_table(shapes).flatten()
    scale = (TABLE_SIZE - 1) / (2 * TABLE_EXTENT)
    dx = (window.columns() - pose.x[:, None])[:, None, :]
    dy = (window.rows() - pose.y[:, None])[:, :, None]
    cos = (torch.cos(pose.angle.double()).float() * scale / pose.radius)[:, None, None]
    sin = (torch.sin(pose.angle.double()).float() * scale / pose.radius)[:, None, None]
    middle, last = (TABLE_SIZE - 1) / 2, TABLE_SIZE - 1.001
    column = (cos * dx + sin * dy).add_(middle).clamp_(0, last)
    row = (cos * dy - sin * dx).add_(middle).clamp_(0, last)
    left, top = column.int(), row.int()
    right_share, lower_share = column.sub_(left), row.sub_(top)
    corner = top.mul_(TABLE_SIZE).add_(left).add_(shape.int()[:, None, None] * TABLE_SIZE**2).flatten()
    upper = _blend(table, corner, right_share)
    lower = _blend(table, corner.add_(TABLE_SIZE), right_share)
    return lower.sub_(upper).mul_(lower_share).add_(upper).mul_(pose.radius[:, None, None])


def coverage(shape: Tensor, pose: Pose, shapes: tuple[str, ...], stroke: float = 0.0, window: Window = FRAME) -> Tensor:
    """Share of each pixel that the figure covers, or with a ``stroke`` its outline of that width in pixels.

    Args:
        shape: (N,) int64, index into ``shapes``.

    Returns:
        (N, side, side) float32 in [0, 1], of the pixels in the window.
    """
    distance = signed_distances(shape, pose, shapes, window)
    if stroke:
        # The stroke lies inside the outline, so that outlined figures are no larger than filled ones.
        distance = (distance + stroke / 2).abs_().sub_(stroke / 2)
    return distance.neg_().add_(0.5).clamp_(0, 1)


def _blend(table: Tensor, corner: Tensor, share: Tensor) -> Tensor:
    left = table.index_select(0, corner).view(share.shape)
    right = table[1:].index_select(0, corner).view(share.shape)
    return right.sub_(left).mul_(share).add_(left)


def paint(scene: Scene) -> tuple[Tensor, Tensor]:
    """Paint the figures of a scene on their grounds.

    Returns:
        Pixels (N, 3, IMAGE_SIZE, IMAGE_SIZE) uint8 and masks (N, IMAGE_SIZE, IMAGE_SIZE) uint8: the share of each pixel
        that the figure covers, times 255.
    """
    pixels = scene.ground.expand(-1, -1, IMAGE_SIZE, IMAGE_SIZE).clone(memory_format=torch.contiguous_format)
    masks = torch.zeros(len(scene), 1, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for chosen, window in _figure_windows(scene):
        at = scene.pose[chosen]
        alpha = coverage(scene.shape[chosen], at, scene.shapes, scene.stroke, window)[:, None]
        window.paste(masks, chosen, (alpha * 255).add_(0.5).to(torch.uint8))
        if scene.opacity is not None:
            alpha = alpha * scene.opacity[chosen, None, None, None]
        front, back = (_cut(fill, window, chosen) for fill in (scene.figure, scene.ground))
        window.paste(pixels, chosen, _over(alpha, front, back))
    if scene.bar is not None:
        pixels = _over(_bar_coverage(scene.bar, scene.pose)[:, None], scene.bar.color[:, :, None, None], pixels)
    return pixels, masks[:, 0]


def _figure_windows(scene: Scene) -> Iterator[tuple[Tensor, Window]]:
    """Images in groups of like size, with a window around each figure: most of a frame is ground."""
    at = scene.pose
    reach = torch.tensor([circumradius(shape) for shape in scene.shapes])[scene.shape] * at.radius + BORDER
    first = [(middle - reach - 0.5).ceil().long() for middle in (at.x, at.y)]
    last = [(middle + reach - 0.5).floor().long() for middle in (at.x, at.y)]
    side = (torch.maximum(last[0] - first[0], last[1] - first[1]) + 1).clamp_max_(IMAGE_SIZE)
    for chosen in side.argsort(stable=True).split(CHUNK):
        size = int(side[chosen[-1]])
        left, top = (start[chosen].clamp_(0, IMAGE_SIZE - size) for start in first)
        yield chosen, Window(size, left, top)


def _cut(fill: Tensor, window: Window, chosen: Tensor) -> Tensor:
    return fill[chosen] if fill.shape[-1] == 1 else window.cut(fill, chosen)


def _over(alpha: Tensor, front: Tensor, back: Tensor) -> Tensor:
    """``front`` over ``back``, uint8 (N, 3, H, W) or (N, 3, 1, 1), with the coverage ``alpha`` (N, 1, H, W)."""
    below = back.float()
    # Adding 0.5 makes the conversion to integers round to nearest.
    return (alpha * (front.float() - below)).add_(below).add_(0.5).to(torch.uint8)


def _bar_coverage(bar: Bar, pose: Pose) -> Tensor:
    centres = torch.arange(IMAGE_SIZE, dtype=torch.float32) + 0.5
    dx = (centres - pose.x[:, None])[:, None, :]
    dy = (centres - pose.y[:, None])[:, :, None]
    angle, offset, width = (value[:, None, None] for value in (bar.angle, bar.offset, bar.width))
    across = torch.cos(angle) * dy - torch.sin(angle) * dx - offset
    return (0.5 + width / 2 - across.abs()).clamp_(0, 1)
