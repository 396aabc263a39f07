"""Outlines of all shapes and their signed distance tables.

Every shape has the area of the unit circle and its centroid at the origin, so that a radius in pixels means the same
area for all of them: with equal extents instead, the size alone would tell the shapes apart.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

TASK_SHAPES = ("circle", "square")
BANK_SHAPES = (
    "arrow", "crescent", "cross", "drop", "ellipse", "half_disc", "heart", "hexagon", "l_shape", "pentagon",
    "rectangle", "star", "trapezoid", "triangle",
)  # fmt: skip

TABLE_SIZE = 160
TABLE_EXTENT = 2.2


def _polar(radius: Tensor, angle: Tensor) -> Tensor:
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def _regular(corners: int) -> Tensor:
    angle = torch.arange(corners, dtype=torch.float64) * (2 * math.pi / corners) + math.pi / corners
    return _polar(torch.ones_like(angle), angle)


def _corners(*points: tuple[float, float]) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)


def _star() -> Tensor:
    angle = torch.arange(10, dtype=torch.float64) * (math.pi / 5)
    return _polar(torch.where(torch.arange(10) % 2 == 0, 1.0, 0.52).double(), angle)


def _arc(start: float, stop: float, steps: int, radius: float = 1.0, x: float = 0.0) -> Tensor:
    points = _polar(torch.full((steps,), radius, dtype=torch.float64), torch.linspace(start, stop, steps).double())
    return points + torch.tensor([x, 0.0], dtype=torch.float64)


def _crescent() -> Tensor:
    # A disc of radius 1 with a disc of radius 0.8 taken out, centred 0.55 to the right.
    shift, inner = 0.55, 0.8
    cut = math.acos((1 + shift**2 - inner**2) / (2 * shift))
    bite = math.pi - math.acos((inner**2 + shift**2 - 1) / (2 * shift * inner))
    return torch.cat([_arc(cut, 2 * math.pi - cut, 64), _arc(-bite, -2 * math.pi + bite, 48, inner, shift)[1:-1]])


def _drop() -> Tensor:
    # The lower arc of a disc closed by its two tangents from a point at distance 2.
    touch = math.acos(1 / 2.0)
    return torch.cat([_arc(touch, 2 * math.pi - touch, 64), _corners((2.0, 0.0))])


def _heart() -> Tensor:
    t = torch.linspace(0, 2 * math.pi, 97, dtype=torch.float64)[:-1]
    x = 16 * torch.sin(t) ** 3
    y = 13 * torch.cos(t) - 5 * torch.cos(2 * t) - 2 * torch.cos(3 * t) - torch.cos(4 * t)
    return torch.stack([x, y], dim=1)


def _cross(arm: float = 0.36) -> Tensor:
    quarter = _corners((1.0, -arm), (1.0, arm), (arm, arm))
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    return torch.cat([quarter @ torch.linalg.matrix_power(turn, k) for k in range(4)])


def _outline(shape: str) -> Tensor:
    match shape:
        case "circle":
            return _regular(256)
        case "ellipse":
            return _regular(192) * torch.tensor([1.0, 0.55], dtype=torch.float64)
        case "square" | "pentagon" | "hexagon" | "triangle":
            return _regular({"square": 4, "pentagon": 5, "hexagon": 6, "triangle": 3}[shape])
        case "rectangle":
            return _corners((-1.7, -1), (1.7, -1), (1.7, 1), (-1.7, 1))
        case "trapezoid":
            return _corners((-1.2, -0.8), (1.2, -0.8), (0.55, 0.8), (-0.55, 0.8))
        case "arrow":
            return _corners((-1, -0.4), (0, -0.4), (0, -1), (1.1, 0), (0, 1), (0, 0.4), (-1, 0.4))
        case "l_shape":
            return _corners((0, 0), (1.7, 0), (1.7, 0.75), (0.75, 0.75), (0.75, 1.7), (0, 1.7))
        case "half_disc":
            return _arc(0, math.pi, 96)
        case "star":
            return _star()
        case "cross":
            return _cross()
        case "crescent":
            return _crescent()
        case "drop":
            return _drop()
        case "heart":
            return _heart()
    raise ValueError(f"no outline for shape {shape!r}")


@cache
def outline(shape: str) -> Tensor:
    """Vertices (V, 2) float64 of a simple polygon of area pi with its centroid at the origin."""
    points = _outline(shape)
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
    ends = polygon.roll(-1, 0)
    squared = torch.full((len(points),), torch.inf, dtype=points.dtype)
    inside = torch.zeros(len(points), dtype=torch.bool)
    for start, end in zip(polygon, ends, strict=True):
        edge, offset = end - start, points - start
        along = ((offset @ edge) / (edge @ edge)).clamp(0, 1)
        squared = torch.minimum(squared, (offset - along[:, None] * edge).square().sum(1))
        straddles = (start[1] > points[:, 1]) != (end[1] > points[:, 1])
        crossing = start[0] + (points[:, 1] - start[1]) / (end[1] - start[1]) * (end[0] - start[0])
        inside ^= straddles & (points[:, 0] < crossing)
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
