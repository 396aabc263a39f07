"""What a mask says about its shape whatever its place, size and angle: a descriptor for nearest neighbours."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

RINGS, ANGLES, HARMONICS = 12, 64, 12
REACH = 1.7


def mask_moments(masks: Tensor) -> Tensor:
    """Centroid and radius of the circle of equal area, in pixels from the upper left corner.

    Args:
        masks: (N, H, W) coverage times 255.

    Returns:
        (N, 3) float32: x, y and radius.
    """
    covered = masks.float() / 255
    area = covered.sum((1, 2))
    y, x = (torch.arange(size, dtype=torch.float32) + 0.5 for size in masks.shape[1:])
    x, y = (covered.sum(1) @ x) / area, (covered.sum(2) @ y) / area
    return torch.stack([x, y, (area / math.pi).sqrt()], dim=1)


def mask_descriptors(masks: Tensor) -> Tensor:
    """Coverage on rings around the centroid, as magnitudes of its Fourier series along each ring.

    Turning a figure changes the phases alone; rings in units of the radius take care of place and size. Nothing but
    the mask is used.

    Args:
        masks: (N, H, W) coverage times 255, H = W.

    Returns:
        (N, RINGS * HARMONICS) float32.
    """
    x, y, radius = mask_moments(masks).T
    ring = (torch.arange(RINGS) + 0.5) * (REACH / RINGS)
    angle = torch.arange(ANGLES) * (2 * math.pi / ANGLES)
    around = torch.stack([ring[:, None] * torch.cos(angle), ring[:, None] * torch.sin(angle)], dim=-1)
    points = torch.stack([x, y], dim=1)[:, None, None] + radius[:, None, None, None] * around
    sampled = F.grid_sample(
        masks[:, None].float() / 255, 2 * points / masks.shape[-1] - 1, padding_mode="zeros", align_corners=False
    )
    magnitude = torch.fft.rfft(sampled[:, 0], dim=2).abs()[:, :, :HARMONICS] / ANGLES
    # Wide rings hold more of the figure.
    return (magnitude * ring[:, None].sqrt()).flatten(1)
