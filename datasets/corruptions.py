"""Corruptions of finished images, at the severities of CIFAR-10-C: those for 32 px.

Hendrycks & Dietterich, 2019, Benchmarking neural network robustness to common corruptions and perturbations. Every
function takes images ``x`` (N, 3, H, W) float32 in [0, 1], the severity of each (N,) int64 from 0 to 4 and uniform
numbers ``u`` (N, 3, H, W), and returns images of the same kind.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

SEVERITIES = 5
Corruption = Callable[[Tensor, Tensor, Tensor], Tensor]

NOISE = (0.04, 0.06, 0.08, 0.09, 0.10)
PHOTONS = (500.0, 250.0, 100.0, 75.0, 50.0)
FLIPPED = (0.01, 0.02, 0.03, 0.05, 0.07)
BLUR = (0.4, 0.6, 0.7, 0.8, 1.0)
CONTRAST = (0.75, 0.5, 0.4, 0.3, 0.15)
BRIGHTNESS = (0.05, 0.1, 0.15, 0.2, 0.3)
SATURATION = ((0.3, 0.0), (0.1, 0.0), (1.5, 0.0), (2.0, 0.1), (2.5, 0.2))
PIXELATE = (0.95, 0.9, 0.85, 0.75, 0.65)
JPEG = (80, 65, 58, 50, 40)
SWEPT_NOISE = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6)


def _of(values: tuple[float, ...], severity: Tensor) -> Tensor:
    """The setting of each image, (N, 1, 1, 1)."""
    return torch.tensor(values)[severity][:, None, None, None]


def normal(u: Tensor) -> Tensor:
    """Uniform numbers to standard normal ones, float32."""
    return torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12)).float()


def noise(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Gaussian noise."""
    return x + _of(NOISE, severity) * normal(u)


def swept_noise(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Gaussian noise from none to more than any severity."""
    return x + _of(SWEPT_NOISE, severity) * normal(u)


def shot_noise(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Poisson noise."""
    photons = _of(PHOTONS, severity)
    # The root of a Poisson variable of mean m is nearly normal with deviation 1/2; this one has mean m and variance
    # m + 1/8.
    return ((x * photons).sqrt() + normal(u) / 2).square().sub(0.25) / photons


def impulse_noise(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Salt and pepper in every channel."""
    share = _of(FLIPPED, severity)
    return torch.where(u < share / 2, 0.0, torch.where(u < share, 1.0, x))


def blur(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Gaussian blur."""
    offsets = torch.arange(-4, 5, dtype=torch.float32)
    kernel = torch.exp(-offsets.square() / (2 * torch.tensor(BLUR)[severity, None].square()))
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(3, 0)
    n, _, height, width = x.shape
    flat = F.pad(x, (4, 4, 4, 4), mode="replicate").reshape(1, 3 * n, height + 8, width + 8)
    rows = F.conv2d(flat, kernel[:, None, :, None], groups=3 * n)
    return F.conv2d(rows, kernel[:, None, None, :], groups=3 * n).view(n, 3, height, width)


def contrast(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Less contrast around the mean of each channel."""
    mean = x.mean((2, 3), keepdim=True)
    return mean + _of(CONTRAST, severity) * (x - mean)


def brightness(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """A higher value of HSV, hue and saturation unchanged."""
    value = x.amax(1, keepdim=True)
    raised = (value + _of(BRIGHTNESS, severity)).clamp(0, 1)
    return torch.where(value > 0, x * raised / value.clamp_min(1e-6), raised)


def saturation(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Another saturation of HSV, hue and value unchanged."""
    factor, offset = (_of(tuple(setting[i] for setting in SATURATION), severity) for i in (0, 1))
    value, least = x.amax(1, keepdim=True), x.amin(1, keepdim=True)
    before = (value - least) / value.clamp_min(1e-6)
    after = (before * factor + offset).clamp(0, 1)
    # A grey has no hue to saturate.
    return torch.where(before > 0, value - (value - x) * after / before.clamp_min(1e-6), x)


def pixelate(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Fewer pixels: averaged by boxes down, and up again."""
    height, width = x.shape[-2:]
    rows, columns = (torch.stack([_box_resized(size, share) for share in PIXELATE]) for size in (height, width))
    return rows[severity, None] @ x @ columns[severity, None].mT


def _box_resized(size: int, share: float) -> Tensor:
    """Weights (size, size) of every old pixel in every new one, resized to ``share`` of the pixels and back."""
    fewer = int(size * share)
    return _box(fewer, size) @ _box(size, fewer)


def _box(before: int, after: int) -> Tensor:
    """Weights (after, before) of a row resized by a box filter: each pixel is the mean of those with their centre in
    its box, the rule of Pillow's ``BOX``."""
    scale = before / after
    distance = torch.arange(before) + 0.5 - (torch.arange(after)[:, None] + 0.5) * scale
    reach = max(scale, 1.0) / 2
    inside = ((distance > -reach) & (distance <= reach)).float()
    return inside / inside.sum(1, keepdim=True)


def jpeg(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """JPEG compression."""
    images = (x * 255 + 0.5).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    decoded = [_recompressed(image, JPEG[level]) for image, level in zip(images, severity.tolist(), strict=True)]
    return torch.from_numpy(np.stack(decoded)).permute(0, 3, 1, 2).float() / 255


def _recompressed(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def greyscale(x: Tensor, severity: Tensor, u: Tensor) -> Tensor:
    """Luma of ITU-R BT.601 in all three channels; it has no severity."""
    luma = x.new_tensor([0.299, 0.587, 0.114])
    return (x * luma[:, None, None]).sum(1, keepdim=True).expand_as(x)


GRADED: dict[str, Corruption] = {
    "noise": noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "blur": blur,
    "contrast": contrast,
    "brightness": brightness,
    "saturation": saturation,
    "pixelate": pixelate,
    "jpeg": jpeg,
}
