"""Vertices of the shapes of the task and of the warm-up bank, at any size and place."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def polar(radius: Tensor, angle: Tensor) -> Tensor:
    """Points (V, 2) from their distances and angles, (V,) each."""
    return torch.stack([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)


def _regular(corners: int) -> Tensor:
    angle = torch.arange(corners, dtype=torch.float64) * (2 * math.pi / corners) + math.pi / corners
    return polar(torch.ones_like(angle), angle)


def _corners(*points: tuple[float, float]) -> Tensor:
    return torch.tensor(points, dtype=torch.float64)


def _star() -> Tensor:
    angle = torch.arange(10, dtype=torch.float64) * (math.pi / 5)
    return polar(torch.where(torch.arange(10) % 2 == 0, 1.0, 0.52).double(), angle)


def _arc(start: float, stop: float, steps: int, radius: float = 1.0, x: float = 0.0) -> Tensor:
    points = polar(torch.full((steps,), radius, dtype=torch.float64), torch.linspace(start, stop, steps).double())
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


OUTLINES: dict[str, Callable[[], Tensor]] = {
    "circle": lambda: _regular(256),
    "square": lambda: _regular(4),
    "triangle": lambda: _regular(3),
    "pentagon": lambda: _regular(5),
    "hexagon": lambda: _regular(6),
    "ellipse": lambda: _regular(192) * torch.tensor([1.0, 0.55], dtype=torch.float64),
    "rectangle": lambda: _corners((-1.7, -1), (1.7, -1), (1.7, 1), (-1.7, 1)),
    "trapezoid": lambda: _corners((-1.2, -0.8), (1.2, -0.8), (0.55, 0.8), (-0.55, 0.8)),
    "arrow": lambda: _corners((-1, -0.4), (0, -0.4), (0, -1), (1.1, 0), (0, 1), (0, 0.4), (-1, 0.4)),
    "l_shape": lambda: _corners((0, 0), (1.7, 0), (1.7, 0.75), (0.75, 0.75), (0.75, 1.7), (0, 1.7)),
    "half_disc": lambda: _arc(0, math.pi, 96),
    "star": _star,
    "cross": _cross,
    "crescent": _crescent,
    "drop": _drop,
    "heart": _heart,
}
