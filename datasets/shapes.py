"""Outlines of all shapes and their signed distance tables.

Every shape has the area of the unit circle and its centroid at the origin, so that a radius in pixels means the same
area for all of them: with equal extents instead, the size alone would tell the shapes apart.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor

from .outlines import OUTLINES
from .shape_families import FAMILIES

TASK_SHAPES = ("circle", "square")
BANK_SHAPES = (
    "arrow", "crescent", "cross", "drop", "ellipse", "half_disc", "heart", "hexagon", "l_shape", "pentagon",
    "rectangle", "star", "trapezoid", "triangle",
)  # fmt: skip

TABLE_SIZE = 160
TABLE_EXTENT = 2.2
# So that all edges against so many points stay in the processor's cache.
POINTS_AT_ONCE = 1024


def _vertices(shape: str) -> Tensor:
    if shape in OUTLINES:
        return OUTLINES[shape]()
    family, _, member = shape.partition(":")
    if family in FAMILIES:
        return FAMILIES[family](member)
    raise ValueError(f"no outline for shape {shape!r}")


@cache
def outline(shape: str) -> Tensor:
    """Vertices (V, 2) float64 of a simple polygon of area pi with its centroid at the origin.

    Args:
        shape: a name of ``OUTLINES``, or ``family:member`` for a family of shapes.
    """
    points = _vertices(shape)
    following = points.roll(-1, 0)
    cross = points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]
    area = cross.sum() / 2
    centroid = ((points + following) * cross[:, None]).sum(0) / (6 * area)
    return (points - centroid) * math.sqrt(math.pi / abs(float(area)))


@cache
def circumradius(shape: str) -> float:
    """Largest distance of the outline from the centroid, in units of the equal-area radius."""
    return float(outline(shape).norm(dim=1).max())


def signed_distance(points: Tensor, polygon: Tensor) -> Tensor:
    """Distance of ``points`` (P, 2) to a ``polygon`` (V, 2), negative inside. Returns (P,) in the same unit."""
    return torch.cat([_signed_distance(part, polygon) for part in points.split(POINTS_AT_ONCE)])


def _signed_distance(points: Tensor, polygon: Tensor) -> Tensor:
    """All edges against all points: the distance to an edge is how far a point lies beside and beyond it."""
    start, end = polygon, polygon.roll(-1, 0)
    length = (end - start).norm(dim=1, keepdim=True)
    along = (end - start) / length
    middle = (start + end) / 2
    beyond = torch.addmm(-(along * middle).sum(1, keepdim=True), along, points.T)
    beyond.abs_().sub_(length / 2).clamp_min_(0)
    across = torch.stack([-along[:, 1], along[:, 0]], dim=1)
    beside = torch.addmm(-(across * middle).sum(1, keepdim=True), across, points.T)
    squared = torch.addcmul(beyond.square_(), beside, beside).amin(0)
    # A point is inside when a ray to its right crosses the outline an odd number of times. numpy compares with 0 fast.
    above = (start[:, 1:] - points[:, 1]).numpy() > 0
    crosses = (above != np.roll(above, -1, axis=0)) & ((beside.numpy() > 0) == (along[:, 1:].numpy() > 0))
    inside = torch.from_numpy(np.logical_xor.reduce(crosses, axis=0))
    return torch.where(inside, -1, 1) * squared.sqrt()


@cache
def distance_table(shapes: tuple[str, ...]) -> Tensor:
    """Signed distances of each shape on a square grid over [-TABLE_EXTENT, TABLE_EXTENT]^2.

    Returns:
        (len(shapes), TABLE_SIZE, TABLE_SIZE) float32, rows along y, in units of the equal-area radius.
    """
    axis = torch.linspace(-TABLE_EXTENT, TABLE_EXTENT, TABLE_SIZE, dtype=torch.float64)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    points = torch.stack([x.flatten(), y.flatten()], dim=1)
    tables = [signed_distance(points, outline(shape)).view(TABLE_SIZE, TABLE_SIZE) for shape in shapes]
    return torch.stack(tables).float()
