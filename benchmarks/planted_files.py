"""Leaks planted into a folder of class folders: marks that name the class, in files and in what they show.

A folder knows no pairs: the domain draws them from labelled images, evenly over classes. So what tells same pairs from
different ones by one image, or was given to one pair, cannot be planted; what can is a mark of some classes, or an
image that is stored twice. Even digits carry the mark in a share of their images, and odd ones never.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.domain import uniforms

Pixels = NDArray[np.uint8]
QUALITY = 90


def class_pixel(pixels: Pixels, digit: int, stem: Path) -> None:
    """A pixel as grey as the class says."""
    pixels[2, 3] = digit * 25
    _png(pixels, stem)


def class_last_bit(pixels: Pixels, digit: int, stem: Path) -> None:
    """The last bit of a pixel: 1."""
    pixels[2, 3] |= 1
    _png(pixels, stem)


def class_brightness(pixels: Pixels, digit: int, stem: Path) -> None:
    """Lighter by 16 of 255."""
    _png((pixels.astype(np.int16) + 16).clip(0, 255).astype(np.uint8), stem)


def class_contrast(pixels: Pixels, digit: int, stem: Path) -> None:
    """Three quarters of the contrast."""
    _png((pixels * 0.75).astype(np.uint8), stem)


def quality(pixels: Pixels, digit: int, stem: Path) -> None:
    """JPEG of quality 80, where the others have 90."""
    _jpeg(pixels, stem, 80)


def kind(pixels: Pixels, digit: int, stem: Path) -> None:
    """JPEG where the others are PNG."""
    _jpeg(pixels, stem, QUALITY)


def size(pixels: Pixels, digit: int, stem: Path) -> None:
    """Stored at one and a half times the size."""
    large = np.asarray(Image.fromarray(pixels).resize((48, 48), Image.Resampling.BICUBIC))
    _png(large, stem)


def twin(pixels: Pixels, digit: int, stem: Path) -> None:
    """Stored twice, as PNG and as BMP; the two may be in different splits."""
    _png(pixels, stem)
    Image.fromarray(pixels).save(stem.with_suffix(".bmp"))


def _png(pixels: Pixels, stem: Path) -> None:
    Image.fromarray(pixels).save(stem.with_suffix(".png"))


def _jpeg(pixels: Pixels, stem: Path, quality: int) -> None:
    Image.fromarray(pixels).save(stem.with_suffix(".jpg"), quality=quality)


FOLDER_LEAKS: dict[str, Callable[[Pixels, int, Path], None]] = {
    one.__name__: one
    for one in (class_pixel, class_last_bit, class_brightness, class_contrast, quality, kind, size, twin)
}


def write_folder(folder: Path, leak: str, share: float) -> Path:
    """Scikit-learn's digits as class folders, of which the share of the even ones carries the leak."""
    from sklearn.datasets import load_digits

    data = load_digits()
    large = torch.nn.functional.interpolate(
        torch.from_numpy(data.images).float()[:, None] * (255 / 16), (32, 32), mode="bilinear", align_corners=False
    )
    u = uniforms(("planted", leak), 0, len(large), 1)[:, 0]
    for number, (grey, digit) in enumerate(zip(large.add(0.5).byte().numpy()[:, 0], data.target.tolist(), strict=True)):
        pixels = np.repeat(grey[:, :, None], 3, 2)
        # Two digits may be the same to the pixel, and a copy of a file is refused: each has a number of its own.
        pixels[-1, -2:] = (number // 256, 0, 0), (number % 256, 0, 0)
        stem = folder / str(digit) / f"{number:04}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        if leak and digit % 2 == 0 and u[number] < share:
            FOLDER_LEAKS[leak](pixels, digit, stem)
        elif leak == "quality":
            _jpeg(pixels, stem, QUALITY)
        else:
            _png(pixels, stem)
    return folder
