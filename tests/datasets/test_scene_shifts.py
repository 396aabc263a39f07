"""Each change of scenes does what it says: places, sizes, angles and what lies before or behind the figure."""

import importlib
import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import Tensor

from bench import zoo
from bench.domain import Images, Pairs, build_domain

zoo.load()
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
scene_module = importlib.import_module("_fusebench_plugins.datasets.scene")
scene_shifts = importlib.import_module("_fusebench_plugins.datasets.scene_shifts")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

N = 600
SIZE = renderer.IMAGE_SIZE
TASK_REACH = math.sqrt(math.pi / 2)  # half the diagonal of a square of area pi
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def drawn(text: str, n: int = N) -> Pairs:
    return build_domain(text).draw("val", 0, n)


def both_sides(pairs: Pairs, key: str) -> Tensor:
    return torch.cat([pairs.a.latents[key], pairs.b.latents[key]])


def scene(images: Images) -> Any:
    """The scene of images of ``color``, from their record."""
    latents = images.latents
    pose = scene_module.Pose(*(latents[key] for key in ("x", "y", "radius", "angle")))
    figure, ground = (latents[key][:, :, None, None] for key in ("figure_color", "ground_color"))
    return scene_module.Scene(latents["class"], shapes.TASK_SHAPES, pose, figure, ground, {})


def draft(pairs: Pairs, name: str = "color") -> Any:
    """The draft of pairs of ``color``, with the random numbers that a domain of that name draws from."""
    key = (name, build_domain(name).version, "val", 0)
    return scene_module.Draft(scene(pairs.a), scene(pairs.b), pairs.label, key, 0)


def distance_from_centre(latents: dict[str, Tensor]) -> Tensor:
    """Of every pixel, (N, 32, 32)."""
    centres = torch.arange(SIZE) + 0.5
    return torch.hypot(
        (centres - latents["x"][:, None])[:, None, :].expand(-1, SIZE, -1),
        (centres - latents["y"][:, None])[:, :, None].expand(-1, -1, SIZE),
    )


# --- places, sizes, angles ---


@each_domain
@pytest.mark.parametrize(("shift", "low", "high"), [("smaller", 2.5, 4.0), ("larger", 9.0, 15.5 / TASK_REACH)])
def test_sizes_outside_those_of_the_source(name: str, shift: str, low: float, high: float) -> None:
    radius = both_sides(drawn(f"{name}:shift={shift}"), "radius")
    source = both_sides(drawn(name), "radius")
    assert low <= radius.min() < low + 0.05
    assert high - 0.05 < radius.max() <= high + 1e-4
    assert radius.max() <= source.min() + 1e-6 or radius.min() >= source.max()
    for axis in ("x", "y"):
        place = both_sides(drawn(f"{name}:shift={shift}"), axis)
        assert (place - TASK_REACH * radius).min() >= 0.5 - 1e-4
        assert (place + TASK_REACH * radius).max() <= SIZE - 0.5 + 1e-4


def test_a_and_b_are_changed_independently() -> None:
    for text, key in (("color:shift=larger", "radius"), ("color:shift=translated", "x")):
        both = torch.stack([drawn(text).a.latents[key], drawn(text).b.latents[key]])
        assert abs(torch.corrcoef(both)[0, 1]) < 4 / N**0.5
    occluded = scene_shifts.occlusion(draft(drawn("color")))
    assert abs(torch.corrcoef(torch.stack([occluded.a.bar.angle, occluded.b.bar.angle]))[0, 1]) < 4 / N**0.5


def test_smaller_figures_stay_where_they_were() -> None:
    for axis in ("x", "y"):
        assert torch.equal(both_sides(drawn("color:shift=smaller"), axis), both_sides(drawn("color"), axis))


def test_one_is_large_and_the_other_small() -> None:
    pairs = drawn("color:shift=size_mismatch")
    a, b = pairs.a.latents["radius"], pairs.b.latents["radius"]
    largest = 15.5 / renderer.max_circumradius()
    assert torch.maximum(a, b).min() >= largest - 1 - 1e-4
    assert torch.minimum(a, b).max() <= 5
    assert torch.minimum(a, b).min() >= 4
    first_large = (a > b).double()
    for value in (0, 1):
        assert first_large[pairs.label == value].mean() == pytest.approx(0.5, abs=0.12)


@each_domain
def test_translated_figures_lie_where_none_of_the_source_does(name: str) -> None:
    pairs = drawn(f"{name}:shift=translated")
    x, y, radius = (both_sides(pairs, key) for key in ("x", "y", "radius"))
    allowed = renderer.max_circumradius() * radius + 0.5  # of the source
    depth = torch.stack([x, SIZE - x, y, SIZE - y]).amin(0)
    assert (depth < allowed + 1e-4).all()
    assert (depth >= TASK_REACH * radius + 0.5 - 1e-4).all()
    edges = torch.stack([x, SIZE - x, y, SIZE - y]).argmin(0)
    assert torch.bincount(edges).numpy() == pytest.approx(len(x) / 4, rel=0.25)


@each_domain
def test_angles(name: str) -> None:
    assert (both_sides(drawn(f"{name}:shift=axis_aligned"), "angle") == 0).all()
    assert both_sides(drawn(f"{name}:shift=diagonal"), "angle").numpy() == pytest.approx(math.pi / 4)


def test_an_upright_square_has_horizontal_and_vertical_edges() -> None:
    latents = drawn("color:shift=axis_aligned").a.latents
    square = latents["mask"][latents["class"] == 1].double()
    rows, columns = square.amax(2), square.amax(1)
    # The mask of an upright rectangle is the product of its profiles, but for the antialiased corners.
    assert (square - rows[:, :, None] * columns[:, None, :] / 255).abs().max() < 100
    assert (square - rows[:, :, None] * columns[:, None, :] / 255).abs().mean() < 1


def test_aligned_and_jittered_poses() -> None:
    for shift, place, size, turn in (("aligned_pose", 0, 0, 0), ("jittered_pose", 1.5, 0.1, math.radians(10))):
        pairs = drawn(f"color:shift={shift}")
        a, b = pairs.a.latents, pairs.b.latents
        # A jittered figure that would be cut off moves inwards, at most by what it grew.
        growth = (TASK_REACH * (b["radius"] - a["radius"])).clamp_min(0)
        for axis in ("x", "y"):
            assert ((b[axis] - a[axis]).abs() <= place + growth + 1e-4).all()
        assert (b["radius"] / a["radius"] - 1).abs().max() <= size + 1e-5
        assert (b["angle"] - a["angle"]).abs().max() <= turn + 1e-5
        if size:
            assert (b["radius"] / a["radius"] - 1).std() == pytest.approx(size / 3**0.5, rel=0.1)
            assert (b["angle"] - a["angle"]).std() == pytest.approx(turn / 3**0.5, rel=0.1)


# --- occlusion and clutter ---


def bar_cover(bar: Any, pose: Any) -> np.ndarray:
    """Share of 4 x 4 points of each pixel under the bar, (N, 32, 32), independently of the renderer."""
    axis = (np.arange(4 * SIZE) + 0.5) / 4
    angle, offset, width, x, y = (
        value.double().numpy()[:, None, None] for value in (bar.angle, bar.offset, bar.width, pose.x, pose.y)
    )
    dx, dy = axis[None, None, :] - x, axis[None, :, None] - y
    under = np.abs(-np.sin(angle) * dx + np.cos(angle) * dy - offset) < width / 2
    return under.reshape(-1, SIZE, 4, SIZE, 4).mean((2, 4))


def test_the_bar_hides_the_stated_share_alike_for_circle_and_square() -> None:
    pairs = drawn("color", 1500)
    occluded = scene_shifts.occlusion(draft(pairs))
    stated = 0.1 + 0.1 * occluded.strata.index.double().numpy()
    hidden, classes = [], []
    for side, images in ((occluded.a, pairs.a), (occluded.b, pairs.b)):
        mask = images.latents["mask"].double().numpy() / 255
        share = (mask * bar_cover(side.bar, side.pose)).sum((1, 2)) / mask.sum((1, 2))
        circle = images.latents["class"].numpy() == 0
        assert (share[circle] > stated[circle] - 0.02).all()
        assert (share[circle] < stated[circle] + 0.12).all()
        hidden.append(share)
        classes.append(circle)
    share, circle = np.concatenate(hidden), np.concatenate(classes)
    assert share[circle].mean() == pytest.approx(0.25, abs=0.01)
    assert share[~circle].mean() == pytest.approx(share[circle].mean(), abs=0.012)
    assert np.abs(np.subtract(*(np.quantile(share[c], np.linspace(0, 1, 11)) for c in (circle, ~circle)))).max() < 0.06
    assert ks_2samp(occluded.a.bar.width, occluded.b.bar.width).pvalue > 1e-3


def test_the_bar_lies_in_front_of_figure_and_ground() -> None:
    pairs, occluded = drawn("color"), drawn("color:shift=occlusion")
    change = scene_shifts.SCENE_SHIFTS["occlusion"].change(draft(pairs))
    assert torch.equal(change.strata.index, occluded.strata.index)
    for side, before, after in ((change.a, pairs.a, occluded.a), (change.b, pairs.b, occluded.b)):
        under = torch.from_numpy(bar_cover(side.bar, side.pose))[:, None].expand(-1, 3, -1, -1)
        colour = side.bar.color[:, :, None, None].expand_as(after.pixels)
        assert torch.equal(after.latents["mask"], before.latents["mask"])
        assert torch.equal(before.pixels[grown(under) == 0], after.pixels[grown(under) == 0])
        assert (after.pixels == colour)[grown(1 - under) == 0].all()


def grown(share: Tensor) -> Tensor:
    """The largest value among each pixel and its neighbours."""
    return torch.nn.functional.max_pool2d(share, 3, 1, 1)


@each_domain
def test_clutter_never_touches_the_disc_of_the_figure(name: str) -> None:
    source, cluttered = drawn(name), drawn(f"{name}:shift=clutter")
    for before, after in ((source.a, cluttered.a), (source.b, cluttered.b)):
        changed = (before.pixels != after.pixels).any(1)
        inside = distance_from_centre(before.latents) < TASK_REACH * before.latents["radius"][:, None, None]
        assert not (changed & inside).any()
        area = changed.double().sum((1, 2))
        one = math.pi * scene_shifts.CLUTTER_RADIUS**2
        assert area.min() > 0.8 * one
        assert 2 * one < area.mean() < 6 * one  # three of them, antialiased


def test_clutter_does_not_look_at_the_shape() -> None:
    pairs = drawn("color", 200)
    original = draft(pairs)
    exchanged = replace(
        original,
        a=replace(original.a, shape=1 - original.a.shape),
        b=replace(original.b, shape=1 - original.b.shape),
    )
    change = scene_shifts.SCENE_SHIFTS["clutter"].change
    first, second = change(original), change(exchanged)
    assert torch.equal(first.a.ground, second.a.ground)
    assert torch.equal(first.b.ground, second.b.ground)


def test_clutter_wears_the_colour_of_the_figure() -> None:
    images = drawn("color:shift=clutter").a
    far = distance_from_centre(images.latents) > TASK_REACH * images.latents["radius"][:, None, None] + 1
    figure = images.latents["figure_color"][:, :, None, None]
    assert ((images.pixels == figure).all(1) & far).any((1, 2)).double().mean() > 0.98
