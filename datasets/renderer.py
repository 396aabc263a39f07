"""Draws antialiased figures on grounds, whole batches at a time.

One mechanism for all shapes: the signed distance of every pixel centre is read from a table, and the coverage falls
from 1 to 0 over one pixel across the outline. No shape is drawn sharper, larger or by other rules than another.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from .scene import Bar, Pose, Scene
from .shapes import BANK_SHAPES, TABLE_EXTENT, TABLE_SIZE, TASK_SHAPES, circumradius, distance_table

IMAGE_SIZE = 32
MIN_RADIUS = 4.0
CHUNK = 256
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


def signed_distances(shape: Tensor, pose: Pose, shapes: tuple[str, ...]) -> Tensor:
    """Distance in pixels of every pixel centre to the outline, negative inside; clamped far outside.

    Args:
        shape: (N,) int64, index into ``shapes``.

    Returns:
        (N, IMAGE_SIZE, IMAGE_SIZE) float32.
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
    return (upper + lower_share * (lower - upper)).mul_(pose.radius[:, None, None])


def coverage(shape: Tensor, pose: Pose, shapes: tuple[str, ...], stroke: float = 0.0) -> Tensor:
    """Share of each pixel that the figure covers, or with a ``stroke`` its outline of that width in pixels.

    Args:
        shape: (N,) int64, index into ``shapes``.

    Returns:
        (N, IMAGE_SIZE, IMAGE_SIZE) float32 in [0, 1].
    """
    distance = signed_distances(shape, pose, shapes)
    if stroke:
        # The stroke lies inside the outline, so that outlined figures are no larger than filled ones.
        distance = (distance + stroke / 2).abs_().sub_(stroke / 2)
    return (0.5 - distance).clamp_(0, 1)


def _blend(table: Tensor, corner: Tensor, share: Tensor) -> Tensor:
    left = table.index_select(0, corner.flatten()).view(corner.shape)
    right = table.index_select(0, corner.flatten() + 1).view(corner.shape)
    return left + share * (right - left)


def paint(scene: Scene) -> tuple[Tensor, Tensor]:
    """Paint the figures of a scene on their grounds.

    Returns:
        Pixels (N, 3, IMAGE_SIZE, IMAGE_SIZE) uint8 and masks (N, IMAGE_SIZE, IMAGE_SIZE) uint8: the share of each pixel
        that the figure covers, times 255.
    """
    pixels = torch.empty(len(scene), 3, IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    masks = torch.empty(len(scene), IMAGE_SIZE, IMAGE_SIZE, dtype=torch.uint8)
    for start in range(0, len(scene), CHUNK):
        part = slice(start, start + CHUNK)
        alpha = coverage(scene.shape[part], scene.pose[part], scene.shapes, scene.stroke)
        masks[part] = (alpha * 255).add_(0.5).to(torch.uint8)
        if scene.opacity is not None:
            alpha = alpha * scene.opacity[part, None, None]
        pixels[part] = _over(alpha, scene.figure[part], scene.ground[part])
        if scene.bar is not None:
            bar = scene.bar[part]
            pixels[part] = _over(_bar_coverage(bar, scene.pose[part]), bar.color[:, :, None, None], pixels[part])
    return pixels, masks


def _over(alpha: Tensor, front: Tensor, back: Tensor) -> Tensor:
    """``front`` over ``back``, uint8 (N, 3, H, W) or (N, 3, 1, 1), with the coverage ``alpha`` (N, H, W)."""
    below = back.float()
    # Adding 0.5 makes the conversion to integers round to nearest.
    return (alpha[:, None] * (front.float() - below)).add_(below).add_(0.5).to(torch.uint8)


def _bar_coverage(bar: Bar, pose: Pose) -> Tensor:
    centres = torch.arange(IMAGE_SIZE, dtype=torch.float32) + 0.5
    dx = (centres - pose.x[:, None])[:, None, :]
    dy = (centres - pose.y[:, None])[:, :, None]
    angle, offset, width = (value[:, None, None] for value in (bar.angle, bar.offset, bar.width))
    across = torch.cos(angle) * dy - torch.sin(angle) * dx - offset
    return (0.5 + width / 2 - across.abs()).clamp_(0, 1)
