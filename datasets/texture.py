"""The ``texture`` domain: figure and ground filled from banks of textures that no two splits share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bench.domain import Split, register_domain

from .colors import CANDIDATES, first_contrasting, oklab
from .renderer import IMAGE_SIZE
from .synthetic import SyntheticDomain
from .texture_bank import TILE, TextureBank, image_files, photographs, texture_bank


@register_domain
class Texture(SyntheticDomain):
    """Circle or square filled with one texture on a ground of another, procedural or cut from photographs.

    Args:
        textures: folder of images that join the bank; each is cut into blocks, and no block serves two splits.
    """

    name, version = "texture", 1
    surface_columns = 5 + CANDIDATES

    def __init__(self, textures: str = "") -> None:
        super().__init__()
        self.folder = Path(textures) if textures else None
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
        bank = texture_bank("train" if split == "warmup" else split, self.folder)
        ids = (u[:, 4:] * len(bank.tiles)).long()
        lab = oklab(bank.mean_rgb)[ids]
        chosen, _ = first_contrasting(lab[:, 0], lab[:, 1:])
        ground_id = ids[:, 0]
        figure_id = ids[torch.arange(len(u)), 1 + chosen]
        offset = (u[:, :4] * (TILE - IMAGE_SIZE + 1)).long()
        figure = _crop(bank, figure_id, offset[:, :2])
        ground = _crop(bank, ground_id, offset[:, 2:])
        return figure, ground, {"figure_texture": figure_id, "ground_texture": ground_id, "texture_offset": offset}


def _crop(bank: TextureBank, tile: Tensor, offset: Tensor) -> Tensor:
    """Windows of the tiles at ``offset`` (N, 2): (N, 3, 32, 32) uint8."""
    windows = bank.tiles.unfold(2, IMAGE_SIZE, 1).unfold(3, IMAGE_SIZE, 1)
    return windows[tile, :, offset[:, 0], offset[:, 1]]
