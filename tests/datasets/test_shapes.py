"""Outlines and distance tables, checked by other means than the code's own."""

import importlib
import math

import numpy as np
import pytest
import torch
from matplotlib.path import Path
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from bench import zoo

zoo.load()
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")
scene_shifts = importlib.import_module("_fusebench_plugins.datasets.scene_shifts")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")

ALL = shapes.TASK_SHAPES + shapes.BANK_SHAPES
SHIFTED = (
    "conflict:circle",
    "conflict:square",
    *(f"superellipse:{p}" for p in scene_shifts.EXPONENTS),
    *scene_shifts.BLOBS,
)
each_shape = pytest.mark.parametrize("shape", ALL)
LARGEST = (renderer.IMAGE_SIZE - 1) / 2 / renderer.max_circumradius()


def vertices(shape: str) -> NDArray[np.float64]:
    return shapes.outline(shape).numpy()


def area_and_centroid(polygon: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """By the shoelace formula, one edge at a time."""
    area, x, y = 0.0, 0.0, 0.0
    for (x0, y0), (x1, y1) in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        cross = x0 * y1 - x1 * y0
        area += cross / 2
        x += (x0 + x1) * cross / 6
        y += (y0 + y1) * cross / 6
    return abs(area), np.array([x, y]) / area


def densely(polygon: NDArray[np.float64], step: float = 2e-3) -> NDArray[np.float64]:
    """Points on the outline, no two neighbours farther apart than ``step``."""
    points = []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        share = np.linspace(0, 1, math.ceil(np.linalg.norm(end - start) / step) + 1)[:, None]
        points.append(start + share * (end - start))
    return np.concatenate(points)


def test_the_bank_is_large_and_shares_no_shape_with_the_task() -> None:
    assert shapes.TASK_SHAPES == ("circle", "square")
    assert len(set(shapes.BANK_SHAPES)) == len(shapes.BANK_SHAPES) >= 12
    assert not set(shapes.BANK_SHAPES) & set(shapes.TASK_SHAPES)


def test_an_unknown_shape_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'blob'"):
        shapes.outline("blob")


@pytest.mark.parametrize("shape", ALL + SHIFTED)
def test_area_of_the_unit_circle_and_centroid_at_the_origin(shape: str) -> None:
    area, centroid = area_and_centroid(vertices(shape))
    assert area == pytest.approx(math.pi, rel=1e-9)
    assert np.abs(centroid).max() < 1e-9


@pytest.mark.parametrize("shape", ALL + SHIFTED)
def test_simple_polygon(shape: str) -> None:
    """No edge of length zero, and no two edges that are not neighbours touch."""
    start = vertices(shape)
    end = np.roll(start, -1, axis=0)
    assert np.linalg.norm(end - start, axis=1).min() > 1e-6

    def side(p: NDArray[np.float64], q: NDArray[np.float64], r: NDArray[np.float64]) -> NDArray[np.float64]:
        first, second = q - p, r - p
        return first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]

    p, q, r, s = start[:, None], end[:, None], start[None], end[None]
    low, high = np.minimum(start, end), np.maximum(start, end)
    boxes_meet = ((low[:, None] <= high[None]) & (low[None] <= high[:, None])).all(axis=-1)
    crosses = (side(p, q, r) * side(p, q, s) <= 0) & (side(r, s, p) * side(r, s, q) <= 0) & boxes_meet
    index = np.arange(len(start))
    apart = np.abs(index[:, None] - index[None])
    neighbours = np.minimum(apart, len(start) - apart) <= 1
    assert not (crosses & ~neighbours).any()


def test_circle_and_square_are_what_they_are_called() -> None:
    assert np.linalg.norm(vertices("circle"), axis=1) == pytest.approx(1, abs=1e-4)
    square = vertices("square")
    assert len(square) == 4
    assert np.linalg.norm(square - np.roll(square, -1, axis=0), axis=1) == pytest.approx(math.sqrt(math.pi))
    assert np.linalg.norm(square, axis=1) == pytest.approx(math.sqrt(math.pi / 2))


def test_superellipses_go_from_the_circle_to_the_square() -> None:
    assert np.linalg.norm(vertices("superellipse:2"), axis=1) == pytest.approx(1, abs=1e-3)
    half = math.sqrt(math.pi) / 2
    nearest = [np.abs(np.abs(vertices(f"superellipse:{p}")).max(axis=1) - half).max() for p in scene_shifts.EXPONENTS]
    assert nearest == sorted(nearest, reverse=True)
    # A nearly infinite power is the square itself, upright as the square is.
    limit = vertices("superellipse:1000")
    assert np.abs(np.abs(limit).max(axis=1) - half).max() < 0.01
    assert np.abs(vertices("square")) == pytest.approx(half)


@pytest.mark.parametrize("power", ["2.6", "5", "30"])
def test_superellipses_fulfil_their_equation(power: str) -> None:
    p = float(power)
    level = (np.abs(vertices(f"superellipse:{power}")) ** p).sum(axis=1)
    assert level == pytest.approx(level.mean(), rel=1e-6)
    # Area 4 a^2 G(1 + 1/p)^2 / G(1 + 2/p) for |x|^p + |y|^p = a^p; a polygon lies inside its curve.
    area = 4 * level.mean() ** (2 / p) * math.gamma(1 + 1 / p) ** 2 / math.gamma(1 + 2 / p)
    assert area == pytest.approx(math.pi, rel=2e-3)


def test_a_conflict_is_the_one_from_afar_and_the_other_from_near() -> None:
    circle, square = vertices("conflict:circle"), vertices("conflict:square")
    # The circle of corners is alike in all twelve directions; the square of arcs has four far corners.
    radius = np.linalg.norm(circle, axis=1)
    assert len(circle) == 24
    assert np.ptp(radius[::2]) < 1e-9
    assert np.ptp(radius[1::2]) < 1e-9
    sides = np.abs(square).max(axis=1)
    assert sides.min() == pytest.approx(math.sqrt(math.pi) / 2, rel=0.1)
    assert sides.max() / sides.min() < 1.15
    turned = square @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert cKDTree(square).query(turned)[0].max() < 1e-9


def test_contours_are_determined_by_their_name_and_differ() -> None:
    assert np.array_equal(vertices("contour:blob 3"), shapes.outline.__wrapped__("contour:blob 3").numpy())
    radii = np.stack([np.linalg.norm(vertices(shape), axis=1) for shape in scene_shifts.BLOBS])
    gaps = np.abs(radii[:, None] - radii[None]).mean(axis=2) + np.eye(len(radii))
    assert gaps.min() > 0.03


@pytest.mark.parametrize("shape", SHIFTED)
def test_shapes_of_shifts_fit_wherever_those_of_the_bank_do(shape: str) -> None:
    assert shapes.circumradius(shape) <= renderer.max_circumradius()


def test_no_two_shapes_are_nearly_the_same() -> None:
    """Apart from place, size, angle and mirroring: compare how far from the centroid each part of the figure lies."""
    grid = np.stack(np.meshgrid(*[np.linspace(-2, 2, 161)] * 2), axis=-1).reshape(-1, 2)
    radius = np.linalg.norm(grid, axis=1)
    spread = {}
    for shape in ALL:
        inside = Path(vertices(shape)).contains_points(grid)
        outline = np.linalg.norm(densely(vertices(shape)), axis=1)
        levels = np.linspace(0, 1, 101)
        spread[shape] = np.concatenate([np.quantile(radius[inside], levels), np.quantile(outline, levels)])
    gaps = {(a, b): np.abs(spread[a] - spread[b]).mean() for a in ALL for b in ALL if a < b}
    assert min(gaps.values()) > 0.01, min(gaps, key=gaps.__getitem__)


@each_shape
def test_signed_distance(shape: str) -> None:
    """Magnitude against the nearest of many points on the outline, sign against matplotlib's point-in-polygon test."""
    polygon = vertices(shape)
    rng = np.random.default_rng(0)
    near = polygon[rng.integers(len(polygon), size=100)] + rng.normal(0, 0.05, (100, 2))
    points = np.concatenate([rng.uniform(-2.2, 2.2, (300, 2)), near, [[0.0, 0.0]]])
    distance = shapes.signed_distance(torch.from_numpy(points), torch.from_numpy(polygon)).numpy()
    nearest = cKDTree(densely(polygon)).query(points)[0]
    assert np.abs(distance) == pytest.approx(nearest, abs=1.1e-3)
    clear = nearest > 1e-3
    assert np.array_equal(distance[clear] < 0, Path(polygon).contains_points(points[clear]))


@each_shape
def test_signed_distance_does_not_depend_on_the_direction_of_the_outline(shape: str) -> None:
    points = torch.rand(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 4 - 2
    outline = shapes.outline(shape)
    assert torch.allclose(shapes.signed_distance(points, outline), shapes.signed_distance(points, outline.flip(0)))


@each_shape
def test_circumradius(shape: str) -> None:
    farthest = max(math.hypot(x, y) for x, y in vertices(shape).tolist())
    assert shapes.circumradius(shape) == pytest.approx(farthest)
    assert farthest >= 1  # nothing of this area fits into a smaller disc
    # The table must reach half a pixel beyond the outline at the smallest size, or the edge is cut off.
    assert (shapes.TABLE_EXTENT - farthest) * renderer.MIN_RADIUS >= 0.5


def test_the_largest_radius_leaves_a_range_of_sizes() -> None:
    assert LARGEST >= 1.5 * renderer.MIN_RADIUS


def lookup(table: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear interpolation, rows along y."""
    position = (points / shapes.TABLE_EXTENT + 1) / 2 * (shapes.TABLE_SIZE - 1)
    cell = np.floor(position).astype(int)
    (fx, fy), (x, y) = (position - cell).T, cell.T
    upper = (1 - fx) * table[y, x] + fx * table[y, x + 1]
    lower = (1 - fx) * table[y + 1, x] + fx * table[y + 1, x + 1]
    return (1 - fy) * upper + fy * lower


def test_table_of_an_asymmetric_shape_lies_the_right_way_round() -> None:
    table = shapes.distance_table(("circle", "arrow"))[1].numpy().astype(float)
    assert table.shape == (shapes.TABLE_SIZE, shapes.TABLE_SIZE)
    points = np.random.default_rng(0).uniform(-2.1, 2.1, (500, 2))
    distance = cKDTree(densely(vertices("arrow"))).query(points)[0]
    inside = Path(vertices("arrow")).contains_points(points)
    assert lookup(table, points) == pytest.approx(np.where(inside, -distance, distance), abs=0.02)


def exact(shape: str, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Signed distance to the circle and the square of area pi by formula."""
    if shape == "circle":
        return np.linalg.norm(points, axis=1) - 1
    beyond = np.abs(points) - math.sqrt(math.pi) / 2
    return np.linalg.norm(beyond.clip(0), axis=1) + beyond.max(axis=1).clip(max=0)


@pytest.mark.parametrize("shape", shapes.TASK_SHAPES)
def test_table_is_accurate_to_a_fraction_of_a_pixel(shape: str) -> None:
    """In pixels of a figure of radius 8, within a pixel of the outline, where the coverage of a pixel is decided."""
    points = np.random.default_rng(0).uniform(-2.1, 2.1, (100_000, 2))
    distance = exact(shape, points)
    points, distance = points[np.abs(distance) * 8 < 1], distance[np.abs(distance) * 8 < 1]
    table = shapes.distance_table(shapes.TASK_SHAPES)[shapes.TASK_SHAPES.index(shape)].numpy().astype(float)
    error = np.abs(lookup(table, points) - distance) * 8
    # The square's distance has a crease along its diagonals, which no interpolation follows within its own cell.
    cell = 2 * shapes.TABLE_EXTENT / (shapes.TABLE_SIZE - 1)
    crease = (shape == "square") & (np.abs(np.abs(points[:, 0]) - np.abs(points[:, 1])) < cell)
    assert crease.mean() < 0.05
    assert error[~crease].max() < 0.03
    assert error.max() < 0.08
