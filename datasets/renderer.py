"""Draws antialiased figures on grounds, whole batches at a time.

One mechanism for all shapes: the signed distance of every pixel centre is read from a table, and the coverage falls
from 1 to 0 over one pixel across the outline. No shape is drawn sharper, larger or by other rules than another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .shapes import BANK_SHAPES, TABLE_EXTENT, TABLE_SIZE, TASK_SHAPES, circumradius, distance_table

IMAGE_SIZE = 32
MIN_RADIUS = 4.0
CHUNK = 256
RADIUS_COLUMN = 0


@dataclass(frozen=True)
class Pose:
    """Where the figures lie.

    Attributes:
        x, y: (N,) float32, centroid in pixels from the upper left corner of the image.
        radius: (N,) float32, radius in pixels of the circle of equal area.
        angle: (N,) float32, radians.
    """

    x: Tensor
    y: Tensor
    radius: Tensor
    angle: Tensor


def max_circumradius() -> float:
    """Circumradius of the most extended shape of all, in units of the equal-area radius."""
    return max(map(circumradius, TASK_SHAPES + BANK_SHAPES))


def pose(u: Tensor) -> Pose:
    """Place, size and angle from uniform numbers ``u`` (N, 4).

    The disc around the *most extended* shape stays inside the frame for every shape: a limit that looked at the shape
    itself would let place and size tell the shapes apart.
    """
    reach = max_circumradius()
    radius = MIN_RADIUS + u[:, RADIUS_COLUMN] * ((IMAGE_SIZE - 1) / 2 / reach - MIN_RADIUS)
    margin = reach * radius + 0.5
    x = margin + u[:, 1] * (IMAGE_SIZE - 2 * margin)
    y = margin + u[:, 2] * (IMAGE_SIZE - 2 * margin)
    return Pose(x.float(), y.float(), radius.float(), (u[:, 3] * 2 * math.pi).float())


def coverage(shape: Tensor, pose: Pose, shapes: tuple[str, ...]) -> Tensor:
    """Share of each pixel that the figure covers.

    Args:
        shape: (N,) int64, index into ``shapes``.

    Returns:
        (N, IMAGE_SIZE, IMAGE_SIZE) float32 in [0, 1].
    """
    table = distance_table(shapes).flatten()
    centres = torch.arange(IMAGE_SIZE, dtype=torch.float32) + 0.5
    scale = (TABLE_SIZE - 1) / (2 * TABLE_EXTENT)
    dx = (centres - pose.x[:, None])[:, None, :]
    dy = (centres - pose.y[:, None])[:, :, None]
    cos = (torch.cos(pose.angle.double()).float() * scale / pose.radius)[:, None, None]
    sin = (torch.sin(pose.angle.double()).float() * scale / pose.radius)[:, None, None]
    middle, last = (TABLE_SIZE - 1) / 2, TABLE_SIZE - 1.001
    column = (cos * dx + sin * dy + middle).clamp_(0, last)
    row = (cos * dy - sin * dx + middle).clamp_(0, last)
    left, top = column.int(), row.int()
    right_share, lower_share = column - left, row - top
    corner = shape.int()[:, None, None] * TABLE_SIZE**2 + top * TABLE_SIZE + left
    upper = _blend(table, corner, right_share)
    lower = _blend(table, corner + TABLE_SIZE, right_share)
    distance = upper + lower_share * (lower - upper)
    return (0.5 - distance * pose.radius[:, None, None]).clamp_(0, 1)


def _blend(table: Tensor, corner: Tensor, share: Tensor) -> Tensor:
    left = table.index_select(0, corner.flatten()).view(corner.shape)
    right = table.index_select(0, corner.flatten() + 1).view(corner.shape)
    return left + share * (right - left)


def paint(shape: Tensor, pose: Pose, shapes: tuple[str, ...], figure: Tensor, ground: Tensor) -> Tensor:
    """Paint figures on grounds.

    Args:
        shape: (N,) int64, index into ``shapes``.
        figure, ground: (N, 3, H, W) or (N, 3, 1, 1) uint8.

    Returns:
        (N, 3, IMAGE_SIZE, IMAGE_SIZE) uint8.
    """
    out = torch.empty(len(shape), 3, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for start in range(0, len(shape), CHUNK):
        part = slice(start, start + CHUNK)
        part_pose = Pose(pose.x[part], pose.y[part], pose.radius[part], pose.angle[part])
        alpha = coverage(shape[part], part_pose, shapes)[:, None]
        below = ground[part].float()
        # Adding 0.5 makes the conversion to integers round to nearest.
        out[part] = (alpha * (figure[part].float() - below)).add_(below).add_(0.5).to(torch.uint8)
    return out
