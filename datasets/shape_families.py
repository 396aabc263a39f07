"""Families of shapes: outlines that one number or word of their name determines."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from bench.domain import uniforms

from .outlines import polar

CORNERS_ALONG_CIRCLE = 12
ARCS_ALONG_SIDE = 3
HARMONICS = 5


def superellipse(exponent: str) -> Tensor:
    """``|x|^p + |y|^p = 1``: a circle for p = 2, towards a square as p grows. Lame curves."""
    power = float(exponent)
    angle = _turn(256)
    cos, sin = torch.cos(angle).abs(), torch.sin(angle).abs()
    return polar((cos**power + sin**power) ** (-1 / power), angle)


def conflict(member: str) -> Tensor:
    """Global shape against local elements: a ``circle`` made of corners, a ``square`` made of arcs.

    Baker, Lu, Erlikhman & Kellman, 2020, Local features and global shape information in object classification by deep
    convolutional neural networks.
    """
    if member not in ("circle", "square"):
        raise ValueError(f"no conflict shape {member!r}")
    if member == "circle":
        angle = torch.arange(2 * CORNERS_ALONG_CIRCLE, dtype=torch.float64) * (math.pi / CORNERS_ALONG_CIRCLE)
        return polar(1 + 0.13 * (-1.0) ** torch.arange(len(angle)), angle)
    along = torch.arange(24 * ARCS_ALONG_SIDE, dtype=torch.float64) / (12 * ARCS_ALONG_SIDE) - 1
    bump = 0.14 * torch.sin(math.pi * (along + 1) / 2 * ARCS_ALONG_SIDE).abs()
    side = torch.stack([1 + bump, along], dim=1)
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    return torch.cat([side @ torch.linalg.matrix_power(turn, k) for k in range(4)])


def contour(member: str) -> Tensor:
    """A random smooth closed contour, in the manner of SVRT (Fleuret et al., 2011): a radius with five harmonics.

    Args:
        member: any text; it seeds the contour.
    """
    u = uniforms(("contour", member), 0, 1, 2 * HARMONICS)[0]
    angle = _turn(64)
    radius = torch.ones_like(angle)
    for order in range(2, 2 + HARMONICS):
        amplitude, phase = 0.55 * (u[2 * order - 4] - 0.5) / (order - 1) ** 0.5, 2 * math.pi * u[2 * order - 3]
        radius += amplitude * torch.cos(order * angle + phase)
    return polar(radius.clamp_min(0.25), angle)


def flower(member: str) -> Tensor:
    """``petals-depth``: a circle whose radius waves by ``depth``, a smooth gear."""
    petals, depth = member.split("-")
    angle = _turn(96)
    return polar(1 + float(depth) * torch.cos(int(petals) * angle), angle)


def tube(member: str) -> Tensor:
    """``bend-width``: an arc of length 2 that turns by ``bend`` degrees, thickened by ``width`` to either side."""
    bend, width = float(member.split("-")[0]), float(member.split("-")[1])
    # A straight tube is one that hardly bends.
    half = math.radians(max(bend, 0.1)) / 2
    axis = 1 / half
    side = torch.linspace(-half, half, 24, dtype=torch.float64)
    cap = torch.linspace(0, math.pi, 18, dtype=torch.float64)[1:-1]
    outer, inner = (polar(torch.full_like(side, axis + out), side) for out in (width, -width))
    end = polar(torch.full_like(cap, width), cap) + torch.tensor([axis, 0.0], dtype=torch.float64)
    far = _rotated(end, half)
    near = far * torch.tensor([1.0, -1.0], dtype=torch.float64)
    points = torch.cat([outer, far, inner.flip(0), near.flip(0)])
    return points - points.mean(0)


def star(member: str) -> Tensor:
    """``points-depth``: points on the unit circle, notches between them at the radius ``depth``."""
    points, depth = int(member.split("-")[0]), float(member.split("-")[1])
    return polar(torch.tensor([1.0, depth], dtype=torch.float64).repeat(points), _turn(2 * points))


def saw(member: str) -> Tensor:
    """``teeth-depth``: a star whose points all lean one way, with one edge of each along the radius."""
    teeth, depth = int(member.split("-")[0]), float(member.split("-")[1])
    return polar(torch.tensor([1.0, depth], dtype=torch.float64).repeat(teeth), _turn(teeth).repeat_interleave(2))


def gear(member: str) -> Tensor:
    """``teeth-depth``: teeth as wide as the gaps between them, which lie at the radius ``depth``."""
    teeth, depth = int(member.split("-")[0]), float(member.split("-")[1])
    flank = math.pi / (2 * teeth)
    angle = _turn(teeth)[:, None] + torch.tensor([-flank, -flank, flank, flank], dtype=torch.float64)
    return polar(torch.tensor([depth, 1.0, 1.0, depth], dtype=torch.float64).repeat(teeth), angle.flatten())


def polygon(member: str) -> Tensor:
    """A random polygon of four to seven corners, seen from a point inside.

    Args:
        member: any text; it seeds the polygon.
    """
    u = uniforms(("polygon", member), 0, 1, 16)[0]
    corners = 4 + int(4 * u[0])
    gap = 0.35 + u[1 : 1 + corners]
    return polar(0.4 + 0.6 * u[8 : 8 + corners], 2 * math.pi * gap.cumsum(0) / gap.sum())


FIGURES = {
    "h": ((0, 0), (1, 0), (1, 1), (2, 1), (2, 0), (3, 0), (3, 3), (2, 3), (2, 2), (1, 2), (1, 3), (0, 3)),
    "t": ((0, 0), (1, 0), (1, 2), (2, 2), (2, 3), (-1, 3), (-1, 2), (0, 2)),
    "u": ((0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)),
    "v": ((1, 0), (2, 0), (3, 3), (2, 3), (1.5, 1.3), (1, 3), (0, 3)),
    "z": ((0, 0), (2, 0), (2, 1), (3, 1), (3, 2), (1, 2), (1, 1), (0, 1)),
    "stairs": ((0, 0), (3, 0), (3, 1), (2, 1), (2, 2), (1, 2), (1, 3), (0, 3)),
    "hourglass": ((-1, -1.3), (1, -1.3), (0.3, 0), (1, 1.3), (-1, 1.3), (-0.3, 0)),
}


def figure(member: str) -> Tensor:
    """One of the figures drawn by hand, such as the letter ``t``."""
    return torch.tensor(FIGURES[member], dtype=torch.float64)


def _turn(steps: int) -> Tensor:
    """Equally spaced angles of one turn, (steps,) float64."""
    return torch.arange(steps, dtype=torch.float64) * (2 * math.pi / steps)


def _rotated(points: Tensor, angle: float) -> Tensor:
    cos, sin = math.cos(angle), math.sin(angle)
    return points @ torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)


SMOOTH_FAMILIES: dict[str, Callable[[str], Tensor]] = {"contour": contour, "flower": flower, "tube": tube}
CORNERED_FAMILIES: dict[str, Callable[[str], Tensor]] = {
    "star": star,
    "saw": saw,
    "gear": gear,
    "polygon": polygon,
    "figure": figure,
}
FAMILIES: dict[str, Callable[[str], Tensor]] = {
    "superellipse": superellipse,
    "conflict": conflict,
    **SMOOTH_FAMILIES,
    **CORNERED_FAMILIES,
}
