"""The renderer against independent drawings, and the rules that keep size and place from leaking the shape."""

import importlib
import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path
from numpy.typing import NDArray
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, uniforms

zoo.load()
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
scene_module = importlib.import_module("_fusebench_plugins.datasets.scene")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

ALL = shapes.TASK_SHAPES + shapes.BANK_SHAPES
SIZE = renderer.IMAGE_SIZE
each_shape = pytest.mark.parametrize("shape", ALL)
unit = st.floats(0, 1, exclude_max=True)


def poses(n: int, key: str = "poses") -> object:
    return renderer.pose(uniforms((key,), 0, n, 4))


def placed(shape: str, pose: object, i: int) -> NDArray[np.float64]:
    """The outline in pixels: turned by the angle, scaled by the radius, moved to (x, y)."""
    x, y, radius, angle = (float(value[i]) for value in (pose.x, pose.y, pose.radius, pose.angle))
    cos, sin = radius * math.cos(angle), radius * math.sin(angle)
    return np.array([(x + cos * px - sin * py, y + sin * px + cos * py) for px, py in shapes.outline(shape).tolist()])


def coverage(shape: str, pose: object) -> NDArray[np.float64]:
    names = torch.full((len(pose.x),), ALL.index(shape))
    return renderer.coverage(names, pose, ALL).double().numpy()


def supersampled(polygon: NDArray[np.float64], times: int = 8) -> NDArray[np.float64]:
    """Share of ``times`` x ``times`` points of each pixel inside the polygon, (SIZE, SIZE), rows along y."""
    axis = (np.arange(SIZE * times) + 0.5) / times
    points = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    inside = Path(polygon).contains_points(points).reshape(SIZE, times, SIZE, times)
    return inside.mean(axis=(1, 3))


@each_shape
def test_coverage_agrees_with_an_independent_drawing(shape: str) -> None:
    pose = poses(5)
    drawn = coverage(shape, pose)
    for i in range(5):
        expected = supersampled(placed(shape, pose, i))
        gap = np.abs(drawn[i] - expected)
        border = (expected > 0) & (expected < 1)
        assert gap.mean() < 0.003
        assert gap[border].mean() < 0.045
        assert gap.max() < 0.4  # a whole pixel right or wrong never happens, corners included


@each_shape
def test_edges_are_antialiased_and_the_rest_is_full_or_empty(shape: str) -> None:
    drawn = coverage(shape, poses(64))
    assert drawn.min() == 0
    assert drawn.max() == 1
    partial = ((drawn > 0) & (drawn < 1)).sum((1, 2))
    assert partial.min() >= 12
    assert len(np.unique(drawn.round(4))) > 500  # a ramp, not a few levels


@each_shape
def test_area_is_that_of_the_circle_of_the_same_radius(shape: str) -> None:
    pose = poses(512)
    area = coverage(shape, pose).sum((1, 2))
    expected = math.pi * pose.radius.double().numpy() ** 2
    error = np.abs(area / expected - 1)
    assert np.quantile(error, 0.95) < 0.02
    assert error.max() < 0.05  # long edges that run along the pixels, or along their diagonals
    # What the ramp adds at the corners is the same few tenths of a pixel for every shape.
    assert np.mean(area - expected) == pytest.approx(0.28, abs=0.15)


def test_circle_and_square_cover_the_same_area_to_a_tenth_of_a_pixel() -> None:
    pose = poses(2048)
    circle, square = (coverage(shape, pose).sum((1, 2)) for shape in shapes.TASK_SHAPES)
    assert abs(circle.mean() - square.mean()) < 0.1
    assert np.abs(circle / square - 1).max() < 0.035


def test_centre_of_mass_is_the_place_for_every_shape() -> None:
    pose = poses(128)
    centres = np.arange(SIZE) + 0.5
    for shape in ALL:
        drawn = coverage(shape, pose)
        x = (drawn.sum(1) * centres).sum(1) / drawn.sum((1, 2))
        y = (drawn.sum(2) * centres).sum(1) / drawn.sum((1, 2))
        assert x == pytest.approx(pose.x.numpy(), abs=0.1), shape
        assert y == pytest.approx(pose.y.numpy(), abs=0.1), shape


@given(u=st.tuples(unit, unit, unit, unit))
@settings(max_examples=100, deadline=None)
def test_every_shape_stays_inside_the_frame_in_every_pose(u: tuple[float, ...]) -> None:
    pose = renderer.pose(torch.tensor([u], dtype=torch.float64))
    assert pose.radius[0] >= 4
    for shape in ALL:
        polygon = placed(shape, pose, 0)
        assert polygon.min() >= 0.5 - 1e-4, shape
        assert polygon.max() <= SIZE - 0.5 + 1e-4, shape


@pytest.mark.parametrize("corner", list(product((0.0, 1 - 1e-12), repeat=3)))
def test_extreme_poses(corner: tuple[float, float, float]) -> None:
    pose = renderer.pose(torch.tensor([[*corner, a / 40] for a in range(40)], dtype=torch.float64))
    for shape in ALL:
        polygons = np.stack([placed(shape, pose, i) for i in range(40)])
        assert polygons.min() >= 0.5 - 1e-4, shape
        assert polygons.max() <= SIZE - 0.5 + 1e-4, shape


def test_poses_use_their_whole_range() -> None:
    pose = poses(4096)
    reach = renderer.max_circumradius()
    largest = (SIZE - 1) / 2 / reach
    assert pose.radius.min() == pytest.approx(renderer.MIN_RADIUS, abs=0.02)
    assert pose.radius.max() == pytest.approx(largest, abs=0.02)
    assert renderer.MIN_RADIUS >= 4
    assert pose.angle.min() >= 0
    assert pose.angle.max() == pytest.approx(2 * math.pi, abs=0.01)
    for place in (pose.x, pose.y):
        assert place.mean() == pytest.approx(SIZE / 2, abs=0.2)
        assert place.min() < reach * renderer.MIN_RADIUS + 1.5
        assert place.max() > SIZE - reach * renderer.MIN_RADIUS - 1.5


@pytest.mark.parametrize("name", ["color", "texture"])
def test_place_size_and_surface_do_not_look_at_the_shape(name: str) -> None:
    """With circles and squares exchanged the figures differ and no latent does."""
    domain, exchanged = DOMAINS.get(name)(), DOMAINS.get(name)()
    exchanged.shapes = tuple(reversed(domain.shapes))
    first, second = domain.draw("val", 0, 64).a, exchanged.draw("val", 0, 64).a
    assert all(torch.equal(first.latents[key], second.latents[key]) for key in first.latents if key != "mask")
    assert (first.latents["mask"] != second.latents["mask"]).flatten(1).any(1).all()
    assert (first.pixels != second.pixels).flatten(1).any(1).all()


def colors(n: int, key: str) -> Tensor:
    return (uniforms((key,), 0, n, 3) * 256).to(torch.uint8)[:, :, None, None]


def scene_of_all_shapes(n: int, **more: object) -> object:
    return scene_module.Scene(
        torch.arange(n) % len(ALL), ALL, poses(n), colors(n, "figure"), colors(n, "ground"), {}, **more
    )


@given(chunk=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_pixels_do_not_depend_on_the_chunk(chunk: int) -> None:
    u = uniforms(("bar",), 0, 40, 6)
    bar = scene_module.Bar(*(u[:, :3] * 4).float().T, (u[:, 3:] * 256).to(torch.uint8))
    scene = scene_of_all_shapes(40, stroke=1.5, opacity=u[:, 0].float(), bar=bar)
    whole = renderer.paint(scene)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(renderer, "CHUNK", chunk)
        assert all(map(torch.equal, renderer.paint(scene), whole))


def test_paint_blends_figure_and_ground_by_coverage() -> None:
    scene = scene_of_all_shapes(32)
    painted, mask = renderer.paint(scene)
    assert painted.dtype == mask.dtype == torch.uint8
    alpha = np.stack([coverage(ALL[k], scene.pose)[i] for i, k in enumerate(scene.shape.tolist())])[:, None]
    figure, ground = scene.figure.numpy(), scene.ground.numpy()
    exact = alpha * figure.astype(float) + (1 - alpha) * ground.astype(float)
    assert np.abs(painted.numpy() - exact).max() <= 0.5 + 1e-3  # rounded to nearest
    assert np.abs(mask.numpy() - 255 * alpha[:, 0]).max() <= 0.5 + 1e-3
    inside, outside = np.broadcast_to(alpha == 1, painted.shape), np.broadcast_to(alpha == 0, painted.shape)
    assert np.array_equal(painted.numpy()[inside], np.broadcast_to(figure, painted.shape)[inside])
    assert np.array_equal(painted.numpy()[outside], np.broadcast_to(ground, painted.shape)[outside])


def test_paint_takes_textured_figure_and_ground() -> None:
    pose = poses(2)
    figure = (torch.arange(2 * 3 * SIZE * SIZE) % 251).to(torch.uint8).view(2, 3, SIZE, SIZE)
    ground = 255 - figure
    alpha = torch.from_numpy(coverage("circle", pose))[:, None]
    circles = torch.zeros(2, dtype=torch.long)
    painted, _ = renderer.paint(scene_module.Scene(circles, ALL, pose, figure, ground, {}))
    assert torch.equal(painted[(alpha == 1).expand_as(painted)], figure[(alpha == 1).expand_as(painted)])
    assert torch.equal(painted[(alpha == 0).expand_as(painted)], ground[(alpha == 0).expand_as(painted)])


def test_opacity_fades_the_figure_and_leaves_the_mask() -> None:
    opacity = torch.linspace(0, 1, 32)
    solid, mask = renderer.paint(scene_of_all_shapes(32))
    faded, same_mask = renderer.paint(scene_of_all_shapes(32, opacity=opacity))
    ground = scene_of_all_shapes(32).ground.float()
    expected = ground + opacity[:, None, None, None] * (solid.float() - ground)
    assert (faded - expected).abs().max() <= 1.01
    assert torch.equal(mask, same_mask)


@pytest.mark.parametrize("shape", shapes.TASK_SHAPES)
@pytest.mark.parametrize("stroke", [1.0, 1.5, 2.5])
def test_a_stroke_is_a_band_of_its_width_inside_the_outline(shape: str, stroke: float) -> None:
    pose, n = poses(64), 64
    names = torch.full((n,), ALL.index(shape))
    filled = renderer.coverage(names, pose, ALL)
    band = renderer.coverage(names, pose, ALL, stroke)
    assert (band <= filled + 1e-6).all()
    inner = renderer.signed_distances(names, pose, ALL) < -stroke - 0.5
    assert (band[inner] == 0).all()
    rim = (renderer.signed_distances(names, pose, ALL) + stroke / 2).abs() < stroke / 2 - 0.5
    assert (band[rim] == 1).all()
    radius = pose.radius.double()
    if shape == "circle":
        area = math.pi * (radius**2 - (radius - stroke) ** 2)
    else:
        side = math.sqrt(math.pi) * radius
        area = side**2 - (side - 2 * stroke) ** 2
    assert (band.sum((1, 2)) / area).numpy() == pytest.approx(1, abs=0.06)


def test_a_bar_covers_a_strip_of_its_width_in_its_colour() -> None:
    n = 64
    u = uniforms(("bars",), 0, n, 3)
    angle, offset, width = (math.pi * u[:, 0]).float(), (8 * u[:, 1] - 4).float(), (1 + 5 * u[:, 2]).float()
    scene = scene_of_all_shapes(n)
    bare, mask = renderer.paint(scene)
    bar = scene_module.Bar(angle, offset, width, colors(n, "bar")[:, :, 0, 0])
    barred, same_mask = renderer.paint(scene_of_all_shapes(n, bar=bar))
    assert torch.equal(mask, same_mask)
    centres = np.arange(SIZE) + 0.5
    for i in range(n):
        normal = np.array([-math.sin(angle[i]), math.cos(angle[i])])
        dx, dy = centres[None, :] - float(scene.pose.x[i]), centres[:, None] - float(scene.pose.y[i])
        beyond = np.abs(normal[0] * dx + normal[1] * dy - float(offset[i])) - float(width[i]) / 2
        assert (barred[i][:, beyond < -0.51] == colors(n, "bar")[i, :, :, 0]).all()
        assert torch.equal(barred[i][:, beyond > 0.51], bare[i][:, beyond > 0.51])
