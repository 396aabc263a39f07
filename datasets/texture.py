"""The ``texture`` domain: figure and ground filled from banks of textures that no two splits share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.domain import Split, register_domain
from bench.spec import Spec

from .colors import contrast_ok, oklab
from .difficulty import TEXTURE_PRESETS, Difficulty
from .renderer import IMAGE_SIZE, windows
from .scene_shifts import SCENE_SHIFTS, TEXTURE_SHIFTS
from .synthetic import SyntheticDomain
from .texture_bank import TILE, image_files, photographs, texture_bank


@register_domain
class Texture(SyntheticDomain):
    """Circle or square filled with one texture on a ground of another, procedural or cut from photographs.

    Args:
        textures: folder of images that join the bank; each is cut into blocks, and no block serves two splits.
    """

    name, version = "texture", 1
    surface_columns = 6
    companions = ("color",)
    presets = TEXTURE_PRESETS
    scene_shifts = SCENE_SHIFTS | TEXTURE_SHIFTS

    def __init__(self, textures: str = "", difficulty: str = "standard", shift: str = "") -> None:
        super().__init__(difficulty, shift)
        self.folder = Path(textures) if textures else None
        self.warmup_domain = str(Spec(self.name, {"textures": textures} if textures else {}))
        if self.folder is not None:
            photographs(self.folder)

    @cached_property
    def content(self) -> Mapping[str, str]:  # type: ignore[override]
        if self.folder is None:
            return {}
        digest = hashlib.sha256()
        for path in image_files(self.folder):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return {"textures": digest.hexdigest()[:16]}

    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        owner = "train" if split == "warmup" else split
        bank = texture_bank(owner, self.folder)
        partners, count = contrasting_tiles(owner, self.folder, self.difficulty)
        ground_id = (u[:, 4] * len(bank.tiles)).long()
        figure_id = partners[ground_id, (u[:, 5] * count[ground_id].clamp_min(1)).long()]
        offset = (u[:, :4] * (TILE - IMAGE_SIZE + 1)).long()
        tiles = faded_tiles(owner, self.folder, self.difficulty.texture)
        figure, ground = _crop(tiles, figure_id, offset[:, :2]), _crop(tiles, ground_id, offset[:, 2:])
        latents = {"figure_texture": figure_id, "ground_texture": ground_id, "texture_offset": offset}
        return figure, ground, {**latents, "at_contrast_floor": count[ground_id] == 0}


@cache
def faded_tiles(split: str, folder: Path | None, share: float) -> Tensor:
    """The tiles of a bank (T, 3, TILE, TILE) uint8 with ``share`` of their variation around their mean colours."""
    bank = texture_bank(split, folder)
    if share == 1:
        return bank.tiles
    mean = 255 * bank.mean_rgb.float()[:, :, None, None]
    return (mean + share * (bank.tiles - mean)).add_(0.5).clamp_(0, 255).to(torch.uint8)


@cache
def contrasting_tiles(split: str, folder: Path | None, limits: Difficulty) -> tuple[Tensor, Tensor]:
    """Which tiles a figure may have on each ground.

    Returns:
        For each tile (T, T) int64 the tiles above the contrast floor first, or else the most distant one, and how many
        there are (T,) int64.
    """
    lab = oklab(texture_bank(split, folder).mean_rgb)
    good = contrast_ok(lab[:, None], lab[None], limits)
    distance = (lab[:, None] - lab[None]).norm(dim=-1)
    first = torch.where(good, torch.inf, distance)
    return first.argsort(dim=1, descending=True, stable=True), good.sum(1)


def _crop(tiles: Tensor, tile: Tensor, offset: Tensor) -> Tensor:
    """Windows of the tiles at ``offset`` (N, 2): (N, 3, 32, 32) uint8."""
    at = tile.numpy(), slice(None), offset[:, 0].numpy(), offset[:, 1].numpy()
    return torch.from_numpy(windows(tiles, IMAGE_SIZE)[at])
