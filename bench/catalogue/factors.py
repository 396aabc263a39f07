"""Factors of images as one number each: what a domain recorded of them, and what can be measured on any image."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.domain import Images

# Not factors: the class is the task, and images at the floor are counted apart.
NO_FACTORS = ("class", "at_contrast_floor")
# A factor has moved when its mean did by this share of its deviation, when its deviation grew or shrank by this share,
# or when the correlation of A and B did by this much: more than chance does to the same rows.
MEAN, SPREAD, CORRELATION = 0.2, 0.25, 0.3

Factors = dict[str, Tensor]


def factors(images: Images) -> Factors:
    """Every factor of N images, (N,) float64 each.

    Latents first, the mean over the components of those that have several, ``area`` (the share of the image that the
    figure covers) in place of the mask. Then what is measured, on the scale from 0 to 1: ``brightness`` (mean of the
    pixels), ``chroma`` (mean of the largest less the smallest channel) and ``detail`` (mean absolute difference of
    neighbouring pixels).
    """
    found = {}
    for name, values in images.latents.items():
        if name == "mask":
            found["area"] = values.double().flatten(1).mean(1) / 255
        elif name not in NO_FACTORS:
            found[name] = values.double().reshape(len(values), -1).mean(1)
    pixels = images.pixels.float() / 255
    across, down = pixels.diff(dim=3).abs(), pixels.diff(dim=2).abs()
    found["brightness"] = pixels.mean((1, 2, 3)).double()
    found["chroma"] = (pixels.amax(1) - pixels.amin(1)).mean((1, 2)).double()
    found["detail"] = ((across.mean((1, 2, 3)) + down.mean((1, 2, 3))) / 2).double()
    return found


def correlation(x: Tensor, y: Tensor) -> float:
    """Pearson's correlation; 0 where one of the two does not vary."""
    x, y = x - x.mean(), y - y.mean()
    scale = x.norm() * y.norm()
    return float(x @ y / scale) if scale > 0 else 0.0


def within_classes(values: Tensor, classes: Tensor) -> Tensor:
    """Values (N,) less the mean of their class; what a factor says of the class is gone."""
    count = torch.bincount(classes).clamp_min(1)
    return values - (torch.bincount(classes, values) / count)[classes]


def short(number: float) -> str:
    """The number in three significant digits; whole where it has more."""
    return f"{number:.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def moved(before: tuple[Factors, Factors], after: tuple[Factors, Factors]) -> list[str]:
    """Which factors a shift changes: means as ``radius 6.9 → 3.2``, deviations as ``sd x 2.8 → 4.9``, and the new
    correlation of A and B as ``r angle 1.00``.

    Args:
        before, after: factors of A and of B in the source and under the shift, of the same rows.
    """
    found = []
    for name in before[0]:
        if name not in after[0]:
            continue
        old, new = (torch.cat([side[name] for side in sides]) for sides in (before, after))
        old_r, new_r = (correlation(*(side[name] for side in sides)) for sides in (before, after))
        spread = float(old.std())
        if abs(float(new.mean() - old.mean())) > MEAN * spread:
            found.append(f"{name} {short(float(old.mean()))} → {short(float(new.mean()))}")
        elif abs(float(new.std()) - spread) > SPREAD * spread:
            found.append(f"sd {name} {short(spread)} → {short(float(new.std()))}")
        if abs(new_r - old_r) > CORRELATION:
            found.append(f"r {name} {new_r:.2f}")
    return found
