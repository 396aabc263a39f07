"""The ``shapes`` domain: same or different among 2 to 32 shapes, with a family of novel shapes to test it on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bench.domain import Split, register_domain, uniforms
from bench.errors import UsageError
from bench.spec import Spec, shifted

from .color import Color
from .novel_shapes import FAMILY_SIZES, NOVEL_SHAPES, NOVEL_VS_SEEN_STRATA, TRAINING_SHAPES
from .scene import Draft, Key
from .scene_shifts import SCENE_SHIFTS, SceneShift
from .synthetic import balanced_classes

# Shapes of their own in place of circle and square.
_OF_TWO_SHAPES = ("conflict", "near_shape")
# Sizes and places at which circle and square fit into the frame, but longer shapes do not.
_OF_SHORT_SHAPES = ("larger", "size_mismatch", "translated", "jittered_pose", "sweep_radius")
SHAPE_SHIFTS: Mapping[str, SceneShift] = {
    name: shift for name, shift in SCENE_SHIFTS.items() if name not in _OF_TWO_SHAPES + _OF_SHORT_SHAPES
}


@register_domain
class Shapes(Color):
    """The first ``k`` shapes of the training family, in one colour on another.

    With k = 2 these are square and circle; whatever k is, the number of pairs is that of the recipe, so that only their
    diversity grows. Half of the pairs are same, evenly over the shapes; the others are spread evenly over the ordered
    pairs of different shapes. The shift ``novel`` draws so from 16 shapes that no training shows, the same images for
    every ``k``; under ``novel_vs_seen`` every different pair has one shape of each family.

    Args:
        k: number of shapes: 2, 4, 8, 16 or 32, half of them with corners.
        difficulty: easy, standard or hard: one of ``presets``.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "shapes", 1
    offers = ("image", "mask")

    def __init__(self, k: int = 8, difficulty: str = "standard", shift: str = "") -> None:
        if k not in FAMILY_SIZES:
            raise UsageError(f"{self.name}: k={k}: expected one of {', '.join(map(str, FAMILY_SIZES))}")
        self.k, self.shift = k, shift
        self.scene_shifts = {**SHAPE_SHIFTS, "novel_vs_seen": _novel_vs_seen(TRAINING_SHAPES[:k])}
        super().__init__(difficulty, shift)
        own = {"k": k} | ({} if difficulty == "standard" else {"difficulty": difficulty})
        source = str(Spec(self.name, own))
        self.companions = () if shift else tuple(shifted(source, name) for name in ("novel", "novel_vs_seen"))

    def _task_shapes(self) -> tuple[str, ...]:
        return TRAINING_SHAPES[: self.k]

    def _classes_of_pairs(self, split: Split, key: Key, start: int, n: int) -> tuple[Tensor, Tensor]:
        if self.shift != "novel_vs_seen":
            return super()._classes_of_pairs(split, key, start, n)
        return seen_and_novel(key, start, n, self.k, len(NOVEL_SHAPES))


def seen_and_novel(key: Key, start: int, n: int, seen: int, novel: int) -> tuple[Tensor, Tensor]:
    """Classes of A and B: a quarter of the pairs show one seen class twice, a quarter one novel class twice, and a
    quarter each a seen with a novel class and the reverse; exactly so within each four pairs.

    Returns:
        Two (n,) int64 tensors; the novel classes count on from the seen ones.
    """
    novel_a, novel_b = balanced_classes(key, start, n, 2)
    u = uniforms((*key, "classes"), start, n, 2)
    drawn = torch.stack([(u[:, 0] * seen).long(), seen + (u[:, 1] * novel).long()], dim=1)
    row = torch.arange(n)
    return drawn[row, novel_a], drawn[row, novel_b]


def _novel_vs_seen(seen: tuple[str, ...]) -> SceneShift:
    shapes = seen + NOVEL_SHAPES

    def change(draft: Draft) -> Draft:
        kind = torch.where(draft.label == 1, (draft.a.shape >= len(seen)).long(), 2)
        a, b = (replace(scene, shapes=shapes) for scene in (draft.a, draft.b))
        return replace(draft, a=a, b=b).stratified(NOVEL_VS_SEEN_STRATA, kind)

    return SceneShift("Novel shapes beside those of training: every different pair has one of each", change, shapes)
