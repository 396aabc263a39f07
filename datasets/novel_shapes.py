"""Two families of shapes for the test of abstract sameness: one to train on, one that no training ever shows.

The members besides circle and square were chosen so that each differs from every other member and from every shape of
the warm-up bank about as much as circle and square differ, whatever the angle or mirroring. Both families hold equally
many shapes with corners and smooth ones: a network that only learned to notice corners is at chance within either
group, and right between them.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from .scene import Draft

# In pairs of a shape with corners and a smooth one; each pair is the farthest from all shapes before it.
TRAINING_SHAPES = (
    "square", "circle",
    "gear:6-0.4", "tube:0-0.5",
    "gear:3-0.4", "tube:90-0.45",
    "gear:5-0.4", "tube:210-0.35",
    "figure:h", "tube:180-0.25",
    "figure:t", "contour:34",
    "star:7-0.5", "flower:2-0.15",
    "figure:z", "contour:12",
    "saw:6-0.5", "flower:2-0.45",
    "figure:stairs", "flower:3-0.35",
    "gear:5-0.6", "contour:109",
    "gear:3-0.6", "contour:143",
    "star:4-0.5", "contour:83",
    "polygon:12", "contour:33",
    "polygon:18", "contour:72",
    "saw:5-0.6", "contour:148",
)  # fmt: skip
NOVEL_CORNERED = (
    "figure:u", "figure:v", "figure:hourglass", "gear:4-0.4", "gear:6-0.6", "star:6-0.5", "star:7-0.7", "polygon:142",
)  # fmt: skip
NOVEL_SMOOTH = (
    "tube:210-0.25", "tube:150-0.4", "tube:150-0.55", "flower:3-0.15", "contour:48", "contour:88", "contour:99",
    "contour:202",
)  # fmt: skip
NOVEL_SHAPES = NOVEL_CORNERED + NOVEL_SMOOTH
FAMILY_SIZES = (2, 4, 8, 16, 32)

NOVEL_STRATA = ("same", "different, within corners", "different, within smooth", "different, corners with smooth")
NOVEL_VS_SEEN_STRATA = ("same, seen", "same, novel", "seen with novel")


def novel(draft: Draft) -> Draft:
    """The novel shapes in place of the classes of the draft, which count them."""
    a, b = (replace(scene, shapes=NOVEL_SHAPES) for scene in (draft.a, draft.b))
    smooth_a, smooth_b = (scene.shape >= len(NOVEL_CORNERED) for scene in (a, b))
    different = torch.where(smooth_a == smooth_b, 1 + smooth_a.long(), 3)
    return replace(draft, a=a, b=b).stratified(NOVEL_STRATA, torch.where(draft.label == 1, 0, different))
