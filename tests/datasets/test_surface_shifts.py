"""Each change of surfaces, shapes and levels does what it says."""

import importlib
import math
from functools import cache

import numpy as np
import pytest
import torch
from matplotlib.path import Path
from scipy.stats import ks_2samp
from torch import Tensor

from bench import zoo
from bench.domain import Images, Pairs, build_domain

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")
scene_module = importlib.import_module("_fusebench_plugins.datasets.scene")
scene_shifts = importlib.import_module("_fusebench_plugins.datasets.scene_shifts")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

N = 600
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def drawn(text: str, n: int = N) -> Pairs:
    return build_domain(text).draw("val", 0, n)


def colors(images: Images) -> tuple[Tensor, Tensor]:
    return tuple(images.latents[key].float()[:, :, None, None] for key in ("figure_color", "ground_color"))


def share(images: Images) -> Tensor:
    return images.latents["mask"][:, None].float() / 255


def test_inverted_colours() -> None:
    source, inverted = drawn("color").a, drawn("color:shift=inverted").a
    figure, ground = colors(source)
    assert (inverted.pixels - (figure + share(source) * (ground - figure))).abs().max() <= 1.01
    # What the one adds to the ground, the other takes from the figure.
    assert (source.pixels.float() + inverted.pixels.float() - figure - ground).abs().max() <= 1.01


def test_inverted_textures_are_exchanged_pixel_by_pixel() -> None:
    """Where only the ground was seen, only the figure's texture is, and the other way round."""
    source, inverted = drawn("texture").a, drawn("texture:shift=inverted").a
    tiles, latents = bank_module.texture_bank("val").tiles.double(), source.latents
    kept = build_domain("texture").difficulty.texture
    for i in range(40):
        mask = latents["mask"][i]
        top, left, low, right = latents["texture_offset"][i].tolist()
        for tile, y, x, where in (
            (tiles[latents["figure_texture"][i]], top, left, mask == 0),
            (tiles[latents["ground_texture"][i]], low, right, mask == 255),
        ):
            mean = tile.mean((1, 2))[:, None, None]
            faded = mean + kept * (tile[:, y : y + 32, x : x + 32] - mean)
            assert (inverted.pixels[i] - faded)[:, where].abs().max() <= 0.51


def test_inverting_twice_changes_nothing() -> None:
    figure, ground = (torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8) for _ in range(2))
    pose = scene_module.Pose(*torch.full((4, 4), 8.0))
    scene = scene_module.Scene(torch.zeros(4, dtype=torch.long), ("circle",), pose, figure, ground, {})
    once = scene_shifts.inverted(scene, torch.zeros(4, 1))
    twice = scene_shifts.inverted(once, torch.zeros(4, 1))
    assert torch.equal(once.figure, ground)
    assert torch.equal(twice.figure, figure)
    assert torch.equal(twice.ground, ground)


@each_domain
def test_outlines_are_no_larger_than_filled_figures_and_hollow(name: str) -> None:
    filled, outlined = drawn(name).a, drawn(f"{name}:shift=outline").a
    assert (outlined.latents["mask"] <= filled.latents["mask"]).all()
    x, y = ((outlined.latents[key]).long() for key in ("x", "y"))
    assert (outlined.latents["mask"][torch.arange(N), y, x] == 0).all()
    area = outlined.latents["mask"].double().sum((1, 2)) / 255
    radius, stroke = filled.latents["radius"].double(), scene_shifts.STROKE
    circle = filled.latents["class"] == 0
    band = math.pi * (radius**2 - (radius - stroke) ** 2)
    assert (area / band)[circle].numpy() == pytest.approx(1, abs=0.06)


@each_domain
def test_silhouettes_are_black_on_white(name: str) -> None:
    images = drawn(f"{name}:shift=silhouette").b
    assert (images.pixels.int() - (255 - images.latents["mask"][:, None].int())).abs().max() <= 1


def test_texture_boundary_matches_mean_and_deviation_of_every_channel() -> None:
    bank = bank_module.texture_bank("test")
    figure = bank.tiles[:200, :, :32, :32]
    ground = bank.tiles.flip(0)[:200, :, -32:, -32:]
    pose = scene_module.Pose(*torch.full((4, 200), 8.0))
    scene = scene_module.Scene(torch.zeros(200, dtype=torch.long), ("circle",), pose, figure, ground, {})
    matched = scene_shifts.texture_boundary(scene, torch.zeros(200, 1))
    assert torch.equal(matched.ground, ground)
    before, after, wanted = (fill.double() for fill in (figure, matched.figure, ground))
    # Channels that need no value outside 0 to 255, of textures that are not flat.
    inside = ((after.amin((2, 3)) > 0) & (after.amax((2, 3)) < 255)) & (before.std((2, 3)) > 1)
    assert inside.double().mean() > 0.2
    assert (after.mean((2, 3)) - wanted.mean((2, 3))).abs()[inside].max() < 0.5
    assert (after.std((2, 3)) - wanted.std((2, 3))).abs()[inside].max() < 0.5
    # Where values are cut off, still nearly.
    assert (after.mean((2, 3)) - wanted.mean((2, 3))).abs().quantile(0.95) < 12
    assert (after.mean((2, 3)) - wanted.mean((2, 3))).abs().mean() < 0.1 * (before - wanted).mean((2, 3)).abs().mean()


def test_cue_conflict_sets_colour_against_shape() -> None:
    pairs, source = drawn("color:shift=cue_conflict"), drawn("color")
    figure_a, ground_a = colors(source.a)
    figure_b, ground_b = colors(source.b)
    same = (pairs.label == 1)[:, None, None, None]
    figure, ground = torch.where(same, figure_b, figure_a), torch.where(same, ground_b, ground_a)
    assert (pairs.b.pixels - (ground + share(source.b) * (figure - ground))).abs().max() <= 1.01
    assert torch.equal(pairs.strata.index, pairs.label)
    assert pairs.strata.names[0].startswith("different shape, same")
    assert pairs.strata.names[1].startswith("same shape, different")


def coverage(polygon: np.ndarray, latents: dict[str, Tensor], i: int) -> np.ndarray:
    """Share of 8 x 8 points of each pixel inside the placed polygon."""
    x, y, radius, angle = (float(latents[key][i]) for key in ("x", "y", "radius", "angle"))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    axis = (np.arange(256) + 0.5) / 8
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    inside = Path(radius * polygon @ turn + [x, y]).contains_points(points)
    return inside.reshape(32, 8, 32, 8).mean((1, 3))


@pytest.mark.parametrize(
    ("shift", "outlines"),
    [
        ("conflict", ("conflict:circle", "conflict:square")),
        ("near_shape", tuple(f"superellipse:{p}" for p in scene_shifts.EXPONENTS)),
    ],
)
def test_each_class_shows_its_outline(shift: str, outlines: tuple[str, ...]) -> None:
    images = drawn(f"color:shift={shift}").a
    for i in range(30):
        polygon = shapes.outline(outlines[images.latents["class"][i]]).numpy()
        gap = np.abs(coverage(polygon, images.latents, i) - images.latents["mask"][i].numpy() / 255)
        assert gap.mean() < 0.004
        assert gap.max() < 0.4


def test_near_shapes_are_same_where_the_exponents_are_equal() -> None:
    domain = build_domain("color:shift=near_shape")
    assert domain.classes == tuple(f"p = {p}" for p in scene_shifts.EXPONENTS)
    assert [float(p) for p in scene_shifts.EXPONENTS] == sorted(float(p) for p in scene_shifts.EXPONENTS)
    pairs = domain.draw("val", 0, 60)  # one whole block
    cells = torch.stack([pairs.a.latents["class"], pairs.b.latents["class"]], 1)
    assert len(torch.unique(cells[pairs.label == 0], dim=0)) == 30
    assert torch.bincount(cells[pairs.label == 1][:, 0]).tolist() == [5] * 6


def test_nothing_of_the_class_is_left_in_a_blob() -> None:
    images = drawn("color:shift=blob", 1500).a
    area = images.latents["mask"].double().sum((1, 2)) / images.latents["radius"].double() ** 2
    mask = images.latents["mask"].double()
    edge = (mask[:, :, 1:] - mask[:, :, :-1]).abs().sum((1, 2)) / images.latents["radius"]
    first = images.latents["class"] == 0
    for measure in (area, edge):
        assert ks_2samp(measure[first], measure[~first]).pvalue > 1e-3
    # The same measure tells circle and square apart in the source: the audit is not blind.
    source = drawn("color", 1500).a.latents
    mask = source["mask"].double()
    edge = (mask[:, :, 1:] - mask[:, :, :-1]).abs().sum((1, 2)) / source["radius"]
    assert ks_2samp(edge[source["class"] == 0], edge[source["class"] == 1]).pvalue < 1e-6


def test_blobs_do_not_look_at_the_class() -> None:
    u = torch.linspace(0, 1, 200)[:-1, None]
    pose = scene_module.Pose(*torch.full((4, 199), 8.0))
    fill = torch.zeros(199, 3, 1, 1, dtype=torch.uint8)
    circles, squares = (
        scene_shifts.blob(scene_module.Scene(torch.full((199,), shape), shapes.TASK_SHAPES, pose, fill, fill, {}), u)
        for shape in (0, 1)
    )
    assert torch.equal(circles.shape, squares.shape)
    assert set(circles.shape.tolist()) == set(range(len(scene_shifts.BLOBS)))
    assert circles.shapes == scene_shifts.BLOBS


def test_the_radius_sweep() -> None:
    pairs = drawn("color:shift=sweep_radius")
    radius = torch.tensor(scene_shifts.RADII)[pairs.strata.index]
    assert torch.equal(pairs.a.latents["radius"], radius)
    assert torch.equal(pairs.b.latents["radius"], radius)
    assert pairs.strata.names == tuple(f"radius {value:g}" for value in scene_shifts.RADII)
    assert len(scene_shifts.RADII) == 8


def test_the_contrast_sweep_scales_the_contrast_of_both_images() -> None:
    pairs, source = drawn("color:shift=sweep_contrast"), drawn("color")
    opacity = torch.tensor(scene_shifts.OPACITIES)[pairs.strata.index][:, None, None, None]
    for images, before in ((pairs.a, source.a), (pairs.b, source.b)):
        figure, ground = colors(before)
        assert (images.pixels - (ground + opacity * share(before) * (figure - ground))).abs().max() <= 1.01
    full = pairs.strata.index == len(scene_shifts.OPACITIES) - 1
    assert scene_shifts.OPACITIES[-1] == 1
    assert torch.equal(pairs.a.pixels[full], source.a.pixels[full])
