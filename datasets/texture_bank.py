"""Banks of texture tiles, procedural and photographic, disjoint between the splits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from torch.nn import functional as F

from bench.domain import uniforms
from bench.errors import UsageError

from . import procedural

TILE = 64
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
# Every photograph is cut into blocks, each of which belongs to one split.
ROWS, COLUMNS = 3, 5
MIN_BLOCK = 24
TILES_PER_KIND = {"train": 48, "val": 16, "test": 24}
CROPS_PER_PHOTO = {"train": 72, "val": 24, "test": 36}
KINDS: dict[str, Callable[[Tensor, int], Tensor]] = {
    "fractal": procedural.fractal_noise,
    "stripes": procedural.stripes,
    "checks": procedural.checks,
    "dots": procedural.dots,
    "cells": procedural.cells,
    "marble": procedural.marble,
    "grain": procedural.grain,
}


@dataclass(frozen=True)
class TextureBank:
    """Tiles (T, 3, TILE, TILE) uint8, their mean colours (T, 3) float64 in [0, 1] and their kinds."""

    tiles: Tensor
    mean_rgb: Tensor
    kinds: tuple[str, ...]


@cache
def texture_bank(split: str, folder: Path | None = None) -> TextureBank:
    """The bank of one split: procedural kinds, the sample photographs, and the images of ``folder`` if given."""
    tiles, kinds = [], []
    for kind, field in KINDS.items():
        count = TILES_PER_KIND[split]
        u = uniforms(("texture bank", kind, split), 0, count, procedural.COLUMNS)
        tiles.append(procedural.colorize(field(u, TILE), u))
        kinds += [kind] * count
    for name, photo in photographs(folder).items():
        crops = _crops(photo, name, split)
        tiles.append(crops)
        kinds += [f"photo:{name}"] * len(crops)
    bank = torch.cat(tiles)
    return TextureBank(bank, bank.double().mean((2, 3)) / 255, tuple(kinds))


def image_files(folder: Path) -> list[Path]:
    """The image files of a folder, sorted; a folder that is missing or holds none raises ``UsageError``."""
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file())
    if not files:
        raise UsageError(
            f"textures {folder}: no images found; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}"
        )
    return files


def photographs(folder: Path | None) -> dict[str, Tensor]:
    """The sample photographs and the images of ``folder`` by name, (3, H, W) uint8 each.

    Raises:
        UsageError: no images there, or one that is unreadable or too small.
    """
    from sklearn.datasets import load_sample_image

    photos = {name: load_sample_image(f"{name}.jpg") for name in ("china", "flower")}
    for path in image_files(folder) if folder else ():
        try:
            with Image.open(path) as image:
                photos[path.name] = np.asarray(image.convert("RGB"))
        except (UnidentifiedImageError, OSError) as error:
            raise UsageError(f"textures {path}: not a readable image ({error})") from None
        if photos[path.name].shape[0] < ROWS * MIN_BLOCK or photos[path.name].shape[1] < COLUMNS * MIN_BLOCK:
            least = f"{COLUMNS * MIN_BLOCK}x{ROWS * MIN_BLOCK}"
            raise UsageError(f"textures {path}: too small; at least {least} pixels (width x height)")
    return {name: torch.from_numpy(np.array(photo)).permute(2, 0, 1) for name, photo in photos.items()}


def _crops(photo: Tensor, name: str, split: str) -> Tensor:
    """Random square crops of the blocks of a photograph that belong to ``split``, resized to the tile size.

    Twice as many are cut as are kept; the plainer half is dropped, since plain sky is no texture.
    """
    height, width = photo.shape[1] // ROWS, photo.shape[2] // COLUMNS
    blocks = [(y * height, x * width) for y in range(ROWS) for x in range(COLUMNS) if _owner(y, x) == split]
    limit = min(height, width)
    u = uniforms(("texture crops", name, split), 0, 2 * CROPS_PER_PHOTO[split], 4)
    block = (u[:, 0] * len(blocks)).long().tolist()
    smallest = min(TILE // 2, limit)
    side = (smallest + u[:, 1] * (limit - smallest)).long()
    top, left = ((u[:, 2] * (height - side + 1)).long(), (u[:, 3] * (width - side + 1)).long())
    crops = []
    for index, y, x, s in zip(block, top.tolist(), left.tolist(), side.tolist(), strict=True):
        first, second = blocks[index][0] + y, blocks[index][1] + x
        crop = photo[None, :, first : first + s, second : second + s].float()
        crops.append(F.interpolate(crop, (TILE, TILE), mode="bilinear", antialias=True, align_corners=False))
    tiles = torch.cat(crops)
    lively = tiles.std((2, 3)).mean(1).argsort(descending=True, stable=True)[: CROPS_PER_PHOTO[split]]
    return tiles[lively].add(0.5).clamp(0, 255).to(torch.uint8)


def _owner(row: int, column: int) -> str:
    """The split that owns a block of a photograph: test and val one in five each, spread over the picture."""
    return {0: "test", 1: "val"}.get((row + 2 * column) % 5, "train")
