"""Images of any size and format, as a stored model takes them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from bench.errors import LONGEST_NAME, UsageError
from bench.foreign import in_one_line
from bench.fusion import MapShape
from bench.text import count_of, printable, without_home

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
COLOURS = {1: "L", 3: "RGB"}

One = str | Path | Image.Image | NDArray[np.uint8] | Tensor
Given = One | Sequence[One]


def images_of(given: Given, shape: MapShape) -> Tensor:
    """One image or several as (N, C, H, W) uint8: the middle of each that has the proportions of ``shape``, scaled.

    Args:
        given: paths, PIL images, arrays (H, W), (H, W, C) or (N, H, W, C), tensors (C, H, W) or (N, C, H, W); the last
            two of uint8.

    Raises:
        UsageError: one of them is no image.
    """
    parts = _parts(given)
    if not parts:
        raise UsageError("no images given")
    pixels = np.empty((len(parts), shape.height, shape.width, shape.channels), np.uint8)
    for number, part in enumerate(parts):
        pixels[number] = _pixels(part, shape, f"image {number}")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()


def list_images(path: Path) -> list[Path]:
    """An image file alone, or those below a folder, sorted; what is hidden is left out.

    Raises:
        UsageError: there is nothing, or no image.
    """
    if path.is_file():
        return [path]
    shown = without_home(printable(str(path), LONGEST_NAME))
    if not path.is_dir():
        raise UsageError(f"{shown}: no such file or folder")
    below = (file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
    found = sorted(file for file in below if _is_shown(file.relative_to(path)) and file.is_file())
    if not found:
        raise UsageError(f"{shown}: no images found; expected files ending in {', '.join(sorted(SUFFIXES))}")
    return found


def _is_shown(name: Path) -> bool:
    return not any(part.startswith(".") for part in name.parts)


def _parts(given: Given) -> list[Any]:
    """The single images."""
    if isinstance(given, str | Path | Image.Image):
        return [given]
    if isinstance(given, np.ndarray):
        return list(given) if given.ndim == 4 else [given]
    if isinstance(given, Tensor):
        own = given.detach().cpu()
        return list(own) if own.ndim == 4 else [own]
    if isinstance(given, Sequence):
        return [part for one in given for part in _parts(one)]
    raise UsageError(f"an image is a path, a PIL image, an array or a tensor, not {type(given).__name__}")


def _pixels(part: str | Path | Image.Image | NDArray[Any] | Tensor, shape: MapShape, where: str) -> NDArray[np.uint8]:
    if isinstance(part, str | Path):
        # A name that begins like a home folder is that of a file where there is no such home.
        return _of_file(Path(os.path.expanduser(part)), shape)
    if isinstance(part, Image.Image):
        return _fitted(part, shape, where)
    array = part.permute(1, 2, 0).numpy() if isinstance(part, Tensor) and part.ndim == 3 else np.asarray(part)
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in COLOURS):
        expected = "uint8 of (H, W, 3) or (H, W), tensors of (3, H, W)"
        raise UsageError(f"{where}: {array.dtype} of {tuple(part.shape)}; expected {expected}")
    if not array.size:
        raise UsageError(f"{where}: an image without pixels")
    grey = array.squeeze(2) if array.shape[2:] == (1,) else array
    return _fitted(Image.fromarray(np.ascontiguousarray(grey)), shape, where)


def _of_file(file: Path, shape: MapShape) -> NDArray[np.uint8]:
    where = without_home(printable(str(file), LONGEST_NAME))
    with in_one_line(where):
        try:
            with Image.open(file) as image:
                return _fitted(image, shape, where)
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            reason = getattr(error, "strerror", None) or f"not a readable image ({str(error).splitlines()[0]})"
            raise UsageError(printable(f"{where}: {reason}")) from None


def _fitted(image: Image.Image, shape: MapShape, where: str) -> NDArray[np.uint8]:
    """Pixels (H, W, C), made as domains of a user's files make theirs: their source is part of keys, so that it stays
    as it is, and a test holds the two together."""
    # JPEG files are decoded at a fraction of their size, which is much faster.
    image.draft(None, (2 * shape.width, 2 * shape.height))
    raw = [str(tile[3]) for tile in getattr(image, "tile", ())]
    if image.mode.startswith(("I", "F")) or any(";16" in one and "BGR;16" not in one for one in raw):
        raise UsageError(f"{where}: more than 8 bits per channel; expected an image with 8 bits")
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        clear = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
    upright = upright.convert("RGB")
    fitted = ImageOps.fit(upright, (shape.width, shape.height), Image.Resampling.BICUBIC)
    pixels: NDArray[np.uint8] = np.asarray(fitted.convert(COLOURS.get(shape.channels, "RGB")))
    return pixels.reshape(shape.height, shape.width, -1)


def paired(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Both sides (N, C, H, W) of pairs; a single image is paired with each of the other side.

    Raises:
        UsageError: they are not as many.
    """
    n = max(len(a), len(b))
    if {len(a), len(b)} - {1, n}:
        raise UsageError(f"{count_of(len(a), 'image')} and {count_of(len(b), 'image')}; expected as many, or one")
    return a.expand(n, -1, -1, -1), b.expand(n, -1, -1, -1)
