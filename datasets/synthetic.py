"""What all rendered domains share: the balanced choice of classes, the pose, and the latent record."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split, uniforms

from .renderer import RADIUS_COLUMN, Pose, paint, pose
from .shapes import BANK_SHAPES, TASK_SHAPES

POSE_COLUMNS = 4


def balanced_classes(key: tuple[str | int, ...], start: int, n: int, k: int) -> tuple[Tensor, Tensor]:
    """Classes of A and B: within each block of 2k(k-1) pairs every ordered pair of different classes stands once and
    every class is paired with itself k-1 times, in random order. With two classes: the four cells, exactly balanced.

    Returns:
        Two (n,) int64 tensors.
    """
    different = [(i, j) for i in range(k) for j in range(k) if i != j]
    same = [(i, i) for i in range(k) for _ in range(k - 1)]
    cells = torch.tensor(same + different)
    first, last = start // len(cells), (start + n - 1) // len(cells)
    u = uniforms((*key, "cells"), first * len(cells), (last - first + 1) * len(cells), 1)
    order = u.view(-1, len(cells)).argsort(dim=1, stable=True)
    offset = start - first * len(cells)
    chosen = cells[order.flatten()[offset : offset + n]]
    return chosen[:, 0], chosen[:, 1]


class SyntheticDomain(Domain):
    """A rendered domain: shapes of equal area at random places, sizes and angles; a subclass fills them.

    Columns of uniform numbers per image: the pose first, then ``surface_columns`` for :meth:`surfaces`.
    """

    surface_columns: int

    def __init__(self) -> None:
        self.classes = TASK_SHAPES
        self.warmup_classes = BANK_SHAPES

    @abstractmethod
    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Figure and ground, (N, 3, 32, 32) or (N, 3, 1, 1) uint8, and the latents that made them, from ``u`` (N,
        K)."""

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        class_a, class_b = balanced_classes(key, start, n, len(self.classes))
        a = self._render(split, class_a, self.classes, uniforms((*key, "a"), start, n, self._columns))
        b = self._render(split, class_b, self.classes, uniforms((*key, "b"), start, n, self._columns))
        return Pairs(a, b, (class_a == class_b).long())

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        key = (self.name, self.version, split, int(seed), "named")
        u = uniforms(key, start, n, 1 + self._columns)
        named = (u[:, 0] * len(self.warmup_classes)).long()
        if easy:
            u[:, 1 + RADIUS_COLUMN] = (1 + u[:, 1 + RADIUS_COLUMN]) / 2
        return self._render(split, named, self.warmup_classes, u[:, 1:], plain=easy)

    @property
    def _columns(self) -> int:
        return POSE_COLUMNS + self.surface_columns

    def _render(self, split: Split, shape: Tensor, shapes: tuple[str, ...], u: Tensor, plain: bool = False) -> Images:
        place: Pose = pose(u[:, :POSE_COLUMNS])
        figure, ground, latents = self.surfaces(split, u[:, POSE_COLUMNS:])
        if plain:
            figure, ground = (fill.float().mean((2, 3), keepdim=True).to(torch.uint8) for fill in (figure, ground))
        pixels = paint(shape, place, shapes, figure, ground)
        where = {"x": place.x, "y": place.y, "radius": place.radius, "angle": place.angle}
        return Images(pixels, {"class": shape, **where, **latents})
