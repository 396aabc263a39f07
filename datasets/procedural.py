"""Procedural textures: scalar fields in [0, 1] from uniform numbers, then coloured.

Every function takes ``u`` (N, COLUMNS) and the tile size in pixels and returns (N, size, size) float32. Columns 0 to
7 are for the field, 8 onwards for the colours; fields that need noise seed it from column 7.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

COLUMNS = 24


def _grid(size: int) -> tuple[Tensor, Tensor]:
    axis = torch.arange(size, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return x, y


def _rotated(u: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Pixel coordinates turned by the angle in column 0 and shifted by columns 1 and 2."""
    x, y = _grid(size)
    angle = (u[:, 0] * math.pi).float()[:, None, None]
    shift_x, shift_y = (u[:, column].float()[:, None, None] * size for column in (1, 2))
    return torch.cos(angle) * x + torch.sin(angle) * y + shift_x, torch.cos(angle) * y - torch.sin(angle) * x + shift_y


def _scale(u: Tensor, low: float, high: float) -> Tensor:
    """A length in pixels between ``low`` and ``high`` from column 3, log-uniform."""
    return (low * (high / low) ** u[:, 3]).float()[:, None, None]


def _white_noise(u: Tensor, *shape: int) -> Tensor:
    seeds = (u[:, 7] * 2**31).long().tolist()
    return torch.stack([torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def _wave(phase: Tensor, sharpness: Tensor) -> Tensor:
    """A wave in [0, 1] with period 1, from soft to hard edges."""
    return (0.5 + sharpness * torch.sin(2 * math.pi * phase)).clamp(0, 1)


def _sharpness(u: Tensor) -> Tensor:
    return (0.5 + 3 * u[:, 4]).float()[:, None, None]


def _stretch(field: Tensor) -> Tensor:
    low, high = field.amin((1, 2), keepdim=True), field.amax((1, 2), keepdim=True)
    return (field - low) / (high - low).clamp_min(1e-6)


def fractal_noise(u: Tensor, size: int) -> Tensor:
    """Sum of octaves of smooth noise; column 3 sets how fast the octaves fade."""
    noise = _white_noise(u, 1, size, size)
    fade = (0.4 + 0.5 * u[:, 3]).float()[:, None, None]
    total = torch.zeros(len(u), size, size)
    for octave, cells in enumerate((4, 8, 16, 32)):
        smooth = F.interpolate(noise[:, :, :cells, :cells], (size, size), mode="bicubic", align_corners=True)
        total += fade**octave * smooth[:, 0]
    return _stretch(total)


def stripes(u: Tensor, size: int) -> Tensor:
    """Parallel bands, soft or hard."""
    x, _ = _rotated(u, size)
    return _wave(x / _scale(u, 3, 14), _sharpness(u))


def checks(u: Tensor, size: int) -> Tensor:
    """A checkerboard at any angle."""
    x, y = _rotated(u, size)
    period = _scale(u, 5, 16)
    product = torch.sin(2 * math.pi * x / period) * torch.sin(2 * math.pi * y / period)
    return (0.5 + 2 * _sharpness(u) * product).clamp(0, 1)


def dots(u: Tensor, size: int) -> Tensor:
    """A lattice of round dots of one size."""
    x, y = _rotated(u, size)
    period = _scale(u, 5, 14)
    dx, dy = ((axis / period) % 1 - 0.5 for axis in (x, y))
    radius = (0.18 + 0.22 * u[:, 4]).float()[:, None, None]
    return (0.5 + (radius - (dx.square() + dy.square()).sqrt()) * period).clamp(0, 1)


def cells(u: Tensor, size: int) -> Tensor:
    """Voronoi cells: distance to the nearest of random points minus that to the second nearest."""
    x, y = _grid(size)
    points = _white_noise(u, 40, 2) * size
    squared = (x - points[:, :, 0, None, None]).square() + (y - points[:, :, 1, None, None]).square()
    nearest = squared.sqrt().topk(2, dim=1, largest=False).values
    return ((nearest[:, 1] - nearest[:, 0]) / (2 + 6 * u[:, 4].float()[:, None, None])).clamp(0, 1)


def marble(u: Tensor, size: int) -> Tensor:
    """Stripes bent by smooth noise."""
    x, _ = _rotated(u, size)
    bend = F.interpolate(_white_noise(u, 1, 6, 6), (size, size), mode="bicubic", align_corners=True)[:, 0]
    return _wave(x / _scale(u, 6, 18) + 2 * bend, _sharpness(u))


def grain(u: Tensor, size: int) -> Tensor:
    """Fine noise of one to three pixels."""
    noise = _white_noise(u, 1, size, size)
    coarse = F.interpolate(noise[:, :, : size // 3, : size // 3], (size, size), mode="bilinear", align_corners=True)
    share = u[:, 3].float()[:, None, None, None]
    return _stretch((share * noise + (1 - share) * coarse)[:, 0])


def colorize(field: Tensor, u: Tensor) -> Tensor:
    """Colour a field (N, S, S) with a ramp between two random colours: (N, 3, S, S) uint8.

    The second colour is drawn near the first (column 14 says how near), so that a texture has a colour of its own.
    """
    first = u[:, 8:11].float()
    toward = u[:, 11:14].float()
    spread = (0.25 + 0.6 * u[:, 14:15]).float()
    second = first + spread * (toward - first)
    ramp = first[:, :, None, None] + field[:, None] * (second - first)[:, :, None, None]
    return (ramp * 255 + 0.5).clamp(0, 255).to(torch.uint8)
