"""The ``contours`` domain: same or different among hundreds of random contours, none of which two splits share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from bench.domain import Split, register_domain, uniforms

from .color import Color
from .scene import Key, Scene
from .shape_set import SHAPE_SHIFTS
from .synthetic import balanced_classes

BANK_SIZES = {"train": 256, "val": 64, "test": 128}
CONTOURS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {split: tuple(f"contour:{split} {number}" for number in range(size)) for split, size in BANK_SIZES.items()}
)
ALL_CONTOURS = tuple(name for names in CONTOURS.values() for name in names)


def contours_of(split: Split) -> tuple[int, tuple[str, ...]]:
    """Where the contours of a split begin among all of them, and their names."""
    names = CONTOURS["train" if split == "warmup" else split]
    return ALL_CONTOURS.index(names[0]), names


@register_domain
class Contours(Color):
    """Random smooth contours in the manner of SVRT (Fleuret et al., 2011), in one colour on another.

    Same means the same contour at another place, in another size, at another angle and in other colours. Every split
    draws from contours of its own, so that no contour of the test was ever trained on. Half of the pairs are same,
    exactly so within each four pairs; contours are uniform, and so are ordered pairs of different ones.

    Args:
        difficulty: easy, standard or hard: one of ``presets``.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
        min_radius: smallest radius in pixels of the circle of equal area; 0 for that of the difficulty.
        channels: 3, or 1 for shades of grey that are as light as the colours.
    """

    name, version = "contours", 1
    offers = ("image", "mask")
    companions = ()
    scene_shifts = MappingProxyType({name: shift for name, shift in SHAPE_SHIFTS.items() if name != "novel"})

    def _task_shapes(self) -> tuple[str, ...]:
        return ALL_CONTOURS

    def _classes_of_pairs(self, split: Split, key: Key, start: int, n: int) -> tuple[Tensor, Tensor]:
        first, names = contours_of(split)
        count = len(names)
        side_a, side_b = balanced_classes(key, start, n, 2)
        u = uniforms((*key, "classes"), start, n, 2)
        a = (u[:, 0] * count).long()
        # Of the others, counted on from the first.
        other = (a + 1 + (u[:, 1] * (count - 1)).long()) % count
        return first + a, first + torch.where(side_a == side_b, a, other)

    def _scene(self, split: Split, shape: Tensor, shapes: tuple[str, ...], u: Tensor) -> Scene:
        if shapes is not self.shapes:
            return super()._scene(split, shape, shapes, u)
        # The distance tables of one split at a time.
        first, names = contours_of(split)
        return super()._scene(split, shape - first, names, u)
