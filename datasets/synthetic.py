"""What all rendered domains share: balanced classes, poses, shifts, painting, and the latent record."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split, Strata, uniforms
from bench.errors import UsageError

from .corruptions import normal
from .difficulty import PRESETS, Difficulty, preset
from .pixel_shifts import PIXEL_SHIFTS, SINGLE_SEVERITIES
from .renderer import RADIUS_COLUMN, paint, pose
from .scene import Draft, Key, Scene
from .scene_shifts import SCENE_SHIFTS, SceneShift
from .shapes import BANK_SHAPES, TASK_SHAPES

POSE_COLUMNS = 4


def balanced_classes(key: Key, start: int, n: int, k: int) -> tuple[Tensor, Tensor]:
    """Classes of A and B: within each block of 2k(k-1) pairs every ordered pair of different classes stands once and
    every class is paired with itself k-1 times, in random order; of two neighbouring pairs one is same. With two
    classes: the four cells, exactly balanced.

    Returns:
        Two (n,) int64 tensors.
    """
    different = torch.tensor([(i, j) for i in range(k) for j in range(k) if i != j])
    same = torch.tensor([(i, i) for i in range(k) for _ in range(k - 1)])
    half = len(same)
    first, last = start // (2 * half), (start + n - 1) // (2 * half)
    u = uniforms((*key, "cells"), first * half, (last - first + 1) * half, 3)
    orders = u.view(-1, half, 3).argsort(dim=1, stable=True)
    neighbours = torch.stack([same[orders[..., 0]].flatten(0, 1), different[orders[..., 1]].flatten(0, 1)], dim=1)
    swapped = (u[:, 2] < 0.5)[:, None, None]
    chosen = torch.where(swapped, neighbours.flip(1), neighbours).flatten(0, 1)
    offset = start - first * 2 * half
    return chosen[offset : offset + n, 0], chosen[offset : offset + n, 1]


class SyntheticDomain(Domain):
    """A rendered domain: shapes of equal area at random places, sizes and angles; a subclass fills them.

    Columns of uniform numbers per image: the pose first, then ``surface_columns`` for :meth:`surfaces`. A shift draws
    the same rows as its source and changes one factor of them.

    Args:
        difficulty: easy, standard or hard: one of ``presets``.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    surface_columns: int
    presets: Mapping[str, Difficulty] = PRESETS
    scene_shifts: Mapping[str, SceneShift] = SCENE_SHIFTS
    warmup_classes = BANK_SHAPES
    offers = ("image", "mask")

    def __init__(self, difficulty: str = "standard", shift: str = "") -> None:
        self.difficulty = preset(difficulty, self.presets)
        self.shifts = {name: entry.what for name, entry in (self.scene_shifts | PIXEL_SHIFTS).items()}
        pixel_shifts = PIXEL_SHIFTS | SINGLE_SEVERITIES
        if shift and shift not in self.scene_shifts and shift not in pixel_shifts:
            raise UsageError(
                f"{self.name}: unknown shift {shift!r}; expected one of {', '.join(sorted(self.shifts))}, "
                "or a corruption at one severity, such as noise-3"
            )
        self._scene_shift = self.scene_shifts.get(shift)
        self._pixel_shift = pixel_shifts.get(shift)
        self.shapes = self._task_shapes()
        own = self._scene_shift.classes if self._scene_shift else None
        self.classes = own or self.shapes

    def _task_shapes(self) -> tuple[str, ...]:
        return TASK_SHAPES

    @abstractmethod
    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Figure and ground, (N, 3, 32, 32) or (N, 3, 1, 1) uint8, and the latents that made them, from ``u`` (N,
        K)."""

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        class_a, class_b = self._classes_of_pairs(split, key, start, n)
        a = self._scene(split, class_a, self.shapes, uniforms((*key, "a"), start, n, self._columns))
        b = self._scene(split, class_b, self.shapes, uniforms((*key, "b"), start, n, self._columns))
        draft = Draft(a, b, (class_a == class_b).long(), key, start)
        if self._scene_shift is not None:
            draft = self._scene_shift.change(draft)
        first = self._images(draft.a, class_a, (*key, "a"), start)
        second = self._images(draft.b, class_b, (*key, "b"), start)
        strata: Strata | None = draft.strata
        if self._pixel_shift is not None:
            pixels_a, pixels_b, strata = self._pixel_shift(first.pixels, second.pixels, key, start)
            first, second = replace(first, pixels=pixels_a), replace(second, pixels=pixels_b)
        return Pairs(first, second, draft.label, strata)

    def _classes_of_pairs(self, split: Split, key: Key, start: int, n: int) -> tuple[Tensor, Tensor]:
        return balanced_classes(key, start, n, len(self.classes))

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        key = (self.name, self.version, split, int(seed), "named")
        u = uniforms(key, start, n, 1 + self._columns)
        named = (u[:, 0] * len(self.warmup_classes)).long()
        if easy:
            u[:, 1 + RADIUS_COLUMN] = (1 + u[:, 1 + RADIUS_COLUMN]) / 2
        scene = self._scene(split, named, self.warmup_classes, u[:, 1:])
        if easy:
            figure, ground = (
                fill.float().mean((2, 3), keepdim=True).to(torch.uint8) for fill in (scene.figure, scene.ground)
            )
            scene = replace(scene, figure=figure, ground=ground)
        return self._images(scene, named, key, start)

    @property
    def _columns(self) -> int:
        return POSE_COLUMNS + self.surface_columns

    def _scene(self, split: Split, shape: Tensor, shapes: tuple[str, ...], u: Tensor) -> Scene:
        figure, ground, latents = self.surfaces(split, u[:, POSE_COLUMNS:])
        return Scene(shape, shapes, pose(u[:, :POSE_COLUMNS], self.difficulty.min_radius), figure, ground, latents)

    def _images(self, scene: Scene, classes: Tensor, key: Key, start: int) -> Images:
        pixels, mask = paint(scene)
        if self.difficulty.noise:
            u = uniforms((*key, "noise"), start, len(scene), pixels[0].numel()).view(pixels.shape)
            noisy = pixels + 255 * self.difficulty.noise * normal(u)
            pixels = noisy.add_(0.5).clamp_(0, 255).to(torch.uint8)
        at = scene.pose
        where = {"x": at.x, "y": at.y, "radius": at.radius, "angle": at.angle}
        return Images(pixels, {"class": classes, **where, **scene.latents, "mask": mask})
