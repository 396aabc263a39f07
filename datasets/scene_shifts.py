"""Shifts of the rendered domains: one factor of a scene changed before it is painted, the rest as in the source.

A change is a function of a draft; the same row of the source, with the same numbers, is what it starts from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import torch
from torch import Tensor

from .novel_shapes import NOVEL_SHAPES, novel
from .renderer import IMAGE_SIZE, max_circumradius, max_radius, paint
from .scene import Bar, Draft, DraftChange, Pose, Scene, SceneChange
from .shapes import BANK_SHAPES, TASK_SHAPES, circumradius

TASK_REACH = max(map(circumradius, TASK_SHAPES))
STROKE = 1.5
BLOBS = tuple(f"contour:blob {number}" for number in range(48))
CLUTTER_ITEMS = 3
CLUTTER_RADIUS = 1.8
RADII = (2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0)
OPACITIES = (0.05, 0.1, 0.15, 0.2, 0.3, 0.45, 0.7, 1.0)


@dataclass(frozen=True)
class SceneShift:
    """A change of scenes, and the classes of the pairs where they are not those of the domain."""

    what: str
    change: DraftChange
    classes: tuple[str, ...] | None = None


def _both(change: SceneChange, columns: int = 1) -> DraftChange:
    return lambda draft: draft.each(change, columns)


def _levels(draft: Draft, values: tuple[float, ...], unit: str) -> tuple[Draft, Tensor]:
    """A level per pair, both images alike: the stratified draft and the value (N,) float32 of each pair."""
    index = (draft.numbers("level", 1)[:, 0] * len(values)).long()
    return draft.stratified(tuple(f"{unit} {value:g}" for value in values), index), torch.tensor(values)[index]


def inverted(scene: Scene, u: Tensor) -> Scene:
    """Figure and ground swap their surfaces."""
    return replace(scene, figure=scene.ground, ground=scene.figure)


def outline(scene: Scene, u: Tensor) -> Scene:
    """Only the outline is drawn."""
    return replace(scene, stroke=STROKE)


def silhouette(scene: Scene, u: Tensor) -> Scene:
    """Black on white."""
    black = torch.zeros(len(scene), 3, 1, 1, dtype=torch.uint8)
    return replace(scene, figure=black, ground=255 - black)


def resized(pose: Pose, radius: Tensor, reach: float = TASK_REACH) -> Pose:
    """The pose with another radius; the centre moves inwards where a shape of that reach would be cut off."""
    margin = reach * radius + 0.5
    x, y = (torch.maximum(torch.minimum(axis, IMAGE_SIZE - margin), margin) for axis in (pose.x, pose.y))
    return replace(pose, x=x, y=y, radius=radius)


def _radius_between(low: float, high: float) -> SceneChange:
    def change(scene: Scene, u: Tensor) -> Scene:
        return replace(scene, pose=resized(scene.pose, (low + u[:, 0] * (high - low)).float()))

    return change


def size_mismatch(draft: Draft) -> Draft:
    """One image large, the other small, either way round; both sizes occur in the source ``color``."""
    large, small = max_radius(max_circumradius()), 4.0
    u = draft.numbers("sizes", 3)
    first_large = u[:, 0] < 0.5
    big, little = (large - u[:, 1]).float(), (small + u[:, 2]).float()
    a = replace(draft.a, pose=resized(draft.a.pose, torch.where(first_large, big, little)))
    b = replace(draft.b, pose=resized(draft.b.pose, torch.where(first_large, little, big)))
    return replace(draft, a=a, b=b)


def translated(scene: Scene, u: Tensor) -> Scene:
    """Against the border, where no figure of the source lies."""
    near, far = (reach * scene.pose.radius + 0.5 for reach in (TASK_REACH, max_circumradius()))
    depth = (near + u[:, 0] * (far - near)).float()
    edge = torch.where(u[:, 1] < 0.5, depth, IMAGE_SIZE - depth)
    along = u[:, 2] < 0.5
    x, y = torch.where(along, edge, scene.pose.x), torch.where(along, scene.pose.y, edge)
    return replace(scene, pose=replace(scene.pose, x=x, y=y))


def _turned(angle: float) -> SceneChange:
    def change(scene: Scene, u: Tensor) -> Scene:
        return replace(scene, pose=replace(scene.pose, angle=torch.full_like(scene.pose.angle, angle)))

    return change


def aligned_pose(draft: Draft) -> Draft:
    """B lies where A lies, in its size and angle."""
    return replace(draft, b=replace(draft.b, pose=draft.a.pose))


def jittered_pose(draft: Draft) -> Draft:
    """B lies nearly where A lies: within 1.5 pixels, 10 degrees and 10 % of its size."""
    u = 2 * draft.numbers("jitter", 4).float() - 1
    at = draft.a.pose
    radius = at.radius * (1 + 0.1 * u[:, 0])
    moved = Pose(at.x + 1.5 * u[:, 1], at.y + 1.5 * u[:, 2], radius, at.angle + math.radians(10) * u[:, 3])
    return replace(draft, b=replace(draft.b, pose=resized(moved, radius)))


def occlusion(draft: Draft) -> Draft:
    """A bar of random colour over 10 to 40 % of a disc of the figure's area, the same share in A and B."""
    share = 0.1 + 0.3 * draft.numbers("share", 1)[:, 0]
    index = ((share - 0.1) * 10).long().clamp(0, 2)
    names = ("10 to 20 % hidden", "20 to 30 % hidden", "30 to 40 % hidden")

    def change(scene: Scene, u: Tensor) -> Scene:
        offset = 0.6 * (2 * u[:, 1].float() - 1)
        width = _strip_width(share.float(), offset)
        radius = scene.pose.radius
        color = (u[:, 2:5] * 256).to(torch.uint8)
        bar = Bar((u[:, 0] * math.pi).float(), offset * radius, width * radius, color)
        return replace(scene, bar=bar)

    return draft.each(change, 5).stratified(names, index)


def _strip_width(share: Tensor, offset: Tensor) -> Tensor:
    """Width of the strip ``offset`` away from the centre of the unit disc that covers ``share`` of it."""

    def below(line: Tensor) -> Tensor:
        line = line.clamp(-1, 1)
        return 0.5 + (torch.asin(line) + line * (1 - line.square()).sqrt()) / math.pi

    low, high = torch.zeros_like(share), torch.full_like(share, 2.0)
    for _ in range(30):
        width = (low + high) / 2
        covered = below(offset + width / 2) - below(offset - width / 2)
        low, high = torch.where(covered < share, width, low), torch.where(covered < share, high, width)
    return (low + high) / 2


def clutter(scene: Scene, u: Tensor) -> Scene:
    """Three small shapes of the warm-up bank in the figure's colours, outside the figure's disc."""
    ground = scene.ground
    for item in range(CLUTTER_ITEMS):
        column = u[:, item * 24 : (item + 1) * 24]
        shape = (column[:, 0] * len(BANK_SHAPES)).long()
        x, y = _free_place(scene.pose, column[:, 1:23], item)
        radius = torch.full_like(scene.pose.radius, CLUTTER_RADIUS)
        place = Pose(x, y, radius, (column[:, 23] * 2 * math.pi).float())
        ground, _ = paint(Scene(shape, BANK_SHAPES, place, scene.figure, ground, {}))
    return replace(scene, ground=ground)


def _free_place(pose: Pose, u: Tensor, item: int) -> tuple[Tensor, Tensor]:
    """The first of the candidate places (N, 2 x candidates) outside the figure's disc, or else a corner, not the same
    for every item; the farthest corner is outside the disc of the largest figure."""
    margin = max_circumradius() * CLUTTER_RADIUS + 0.5
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]], dtype=u.dtype).roll(item, 0)
    candidates = torch.cat([u.view(len(u), -1, 2), corners.expand(len(u), 4, 2)], dim=1)
    places = (margin + candidates * (IMAGE_SIZE - 2 * margin)).float()
    distance = (places - torch.stack([pose.x, pose.y], dim=1)[:, None]).norm(dim=2)
    first = (distance > (TASK_REACH * pose.radius + margin)[:, None]).int().argmax(1)
    return tuple(places[torch.arange(len(u)), first].unbind(1))  # type: ignore[return-value]


def texture_boundary(scene: Scene, u: Tensor) -> Scene:
    """The figure's texture gets the ground's mean and deviation per channel: no edge of first order remains."""
    figure, ground = scene.figure.float(), scene.ground.float()
    spread = ground.std((2, 3), keepdim=True) / figure.std((2, 3), keepdim=True).clamp_min(1.0)
    matched = ground.mean((2, 3), keepdim=True) + spread * (figure - figure.mean((2, 3), keepdim=True))
    return replace(scene, figure=matched.add(0.5).clamp(0, 255).to(torch.uint8))


def _other_shapes(shapes: tuple[str, ...]) -> DraftChange:
    return _both(lambda scene, u: replace(scene, shapes=shapes))


def blob(scene: Scene, u: Tensor) -> Scene:
    """A random contour of the same area in place of the shape: nothing of the class is left."""
    return replace(scene, shape=(u[:, 0] * len(BLOBS)).long(), shapes=BLOBS)


def cue_conflict(draft: Draft) -> Draft:
    """Different shapes wear the same surfaces, same shapes other ones: colour argues against shape."""
    same = draft.label[:, None, None, None] == 1
    figure = torch.where(same, draft.b.figure, draft.a.figure)
    ground = torch.where(same, draft.b.ground, draft.a.ground)
    names = ("different shape, same surfaces", "same shape, different surfaces")
    return replace(draft, b=replace(draft.b, figure=figure, ground=ground)).stratified(names, draft.label)


def sweep_radius(draft: Draft) -> Draft:
    """Both figures at one of eight radii."""
    draft, radius = _levels(draft, RADII, "radius")
    return draft.each(lambda scene, u: replace(scene, pose=resized(scene.pose, radius)))


def sweep_contrast(draft: Draft) -> Draft:
    """Both figures at one of eight opacities."""
    draft, opacity = _levels(draft, OPACITIES, "contrast")
    return draft.each(lambda scene, u: replace(scene, opacity=opacity))


EXPONENTS = ("2", "2.6", "3.4", "5", "8", "30")
LARGE = max_radius(TASK_REACH)

SCENE_SHIFTS: Mapping[str, SceneShift] = MappingProxyType(
    {
        "inverted": SceneShift("Figure and ground swap their surfaces", _both(inverted)),
        "outline": SceneShift(f"Only the outline, {STROKE:g} pixels wide", _both(outline)),
        "silhouette": SceneShift("Black on white", _both(silhouette)),
        "smaller": SceneShift("Radius 2.5 to 4 pixels", _both(_radius_between(2.5, 4.0))),
        "larger": SceneShift("Radius 9 to 12 pixels", _both(_radius_between(9.0, LARGE))),
        "size_mismatch": SceneShift("One large, one small", size_mismatch),
        "translated": SceneShift("At the border, where no training figure lies", _both(translated, 3)),
        "axis_aligned": SceneShift("Every figure upright", _both(_turned(0.0))),
        "diagonal": SceneShift("Every figure turned by 45 degrees", _both(_turned(math.pi / 4))),
        "aligned_pose": SceneShift("A and B at the same place, size and angle", aligned_pose),
        "jittered_pose": SceneShift("A and B at nearly the same place, size and angle", jittered_pose),
        "occlusion": SceneShift("A bar over 10 to 40 % of the figure", occlusion),
        "clutter": SceneShift("Three small distractors", _both(clutter, 24 * CLUTTER_ITEMS)),
        "conflict": SceneShift(
            "A circle made of corners, a square made of arcs", _other_shapes(("conflict:circle", "conflict:square"))
        ),
        "cue_conflict": SceneShift("Different shapes in the same surfaces, same shapes in others", cue_conflict),
        "blob": SceneShift("A random contour in place of every shape: must leave chance", _both(blob)),
        "near_shape": SceneShift(
            "Superellipses between circle and square; same means the same exponent",
            _other_shapes(tuple(f"superellipse:{p}" for p in EXPONENTS)),
            tuple(f"p = {p}" for p in EXPONENTS),
        ),
        "novel": SceneShift("Shapes that no training shows: same and different among them alone", novel, NOVEL_SHAPES),
        "sweep_radius": SceneShift("Eight radii, for a psychometric curve", sweep_radius),
        "sweep_contrast": SceneShift("Eight opacities, for a psychometric curve", sweep_contrast),
    }
)
TEXTURE_SHIFTS: Mapping[str, SceneShift] = MappingProxyType(
    {
        "texture_boundary": SceneShift(
            "Figure and ground alike in mean and deviation: only texture differs", _both(texture_boundary)
        ),
    }
)
