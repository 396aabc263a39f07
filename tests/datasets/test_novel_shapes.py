"""The two families of shapes, and the domains that draw from them."""

import importlib
import math
from itertools import combinations, product

import numpy as np
import pytest
import torch
from matplotlib.path import Path
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor

from bench import zoo
from bench.domain import Images, Pairs, build_domain
from bench.errors import UsageError

zoo.load()
descriptors = importlib.import_module("_fusebench_plugins.datasets.mask_descriptors")
families = importlib.import_module("_fusebench_plugins.datasets.shape_families")
novel_shapes = importlib.import_module("_fusebench_plugins.datasets.novel_shapes")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

SIZES = (2, 4, 8, 16, 32)
TRAINING, NOVEL = novel_shapes.TRAINING_SHAPES, novel_shapes.NOVEL_SHAPES
MEMBERS = TRAINING + NOVEL
KNOWN = shapes.TASK_SHAPES + shapes.BANK_SHAPES
SHORT_SHIFTS = ("larger", "size_mismatch", "translated", "jittered_pose", "sweep_radius")


def sharpest_turn(shape: str) -> float:
    """Largest change of direction from one edge to the next, in degrees."""
    points = shapes.outline(shape).numpy()
    edge = np.roll(points, -1, axis=0) - points
    direction = np.arctan2(edge[:, 1], edge[:, 0])
    return float(np.degrees(np.abs(np.angle(np.exp(1j * (np.roll(direction, -1) - direction))))).max())


def polar_view(shape: str) -> NDArray[np.complex128]:
    """Spectra along rings around the centroid of the filled outline; rings of equal area."""
    radius = 2 * np.sqrt((np.arange(48) + 0.5) / 48)
    angle = np.arange(180) * (2 * math.pi / 180)
    points = np.stack([np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle))], axis=-1).reshape(-1, 2)
    inside = Path(shapes.outline(shape).numpy()).contains_points(points).reshape(48, 180)
    return np.fft.fft(inside.astype(float), axis=1)


def mismatch(first: NDArray[np.complex128], second: NDArray[np.complex128]) -> float:
    """Share of the area by which two shapes differ at the angle, mirrored or not, at which they differ least."""
    overlap = max(np.fft.ifft((first.conj() * other).sum(0)).real.max() for other in (second, second.conj()))
    area = (first[:, 0].real.sum() + second[:, 0].real.sum()) / 2
    return float(1 - overlap / area)


# --- the families ---


def test_the_families_share_no_shape_with_each_other_or_the_warm_up() -> None:
    assert len(set(TRAINING)) == len(TRAINING) == 32
    assert len(set(NOVEL)) == len(NOVEL) >= 16
    assert not set(TRAINING) & set(NOVEL)
    assert not set(MEMBERS) & set(shapes.BANK_SHAPES)
    assert not set(NOVEL) & set(shapes.TASK_SHAPES)


@pytest.mark.parametrize("k", SIZES)
def test_half_of_the_first_k_have_corners(k: int) -> None:
    assert sum(sharpest_turn(shape) > 80 for shape in TRAINING[:k]) == k // 2
    assert sum(sharpest_turn(shape) < 45 for shape in TRAINING[:k]) == k // 2


def test_the_novel_groups_are_what_they_are_called() -> None:
    assert NOVEL == novel_shapes.NOVEL_CORNERED + novel_shapes.NOVEL_SMOOTH
    assert len(novel_shapes.NOVEL_CORNERED) == len(novel_shapes.NOVEL_SMOOTH)
    assert min(map(sharpest_turn, novel_shapes.NOVEL_CORNERED)) > 80
    assert max(map(sharpest_turn, novel_shapes.NOVEL_SMOOTH)) < 45


@pytest.mark.parametrize("shape", MEMBERS)
def test_members_have_the_area_and_reach_that_poses_rely_on(shape: str) -> None:
    x, y = shapes.outline(shape).numpy().T
    assert abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2 == pytest.approx(math.pi)
    assert shapes.circumradius(shape) <= renderer.max_circumradius()


def test_no_two_shapes_are_nearly_the_same_at_any_angle() -> None:
    """As far apart as circle and square, give or take a fifth. Circle and square are no farther from the warm-up bank
    than in the domains of two shapes."""
    view = {shape: polar_view(shape) for shape in dict.fromkeys(MEMBERS + KNOWN)}
    unlike = mismatch(view["circle"], view["square"])
    assert unlike == pytest.approx(0.09, abs=0.01)
    pairs = {*combinations(MEMBERS, 2), *product(set(MEMBERS) - set(KNOWN), KNOWN)}
    gaps = {pair: mismatch(view[pair[0]], view[pair[1]]) for pair in pairs}
    closest = min(gaps, key=gaps.__getitem__)
    assert gaps[closest] > 0.8 * unlike, (closest, gaps[closest])


def test_both_families_are_equally_compact() -> None:
    def compactness(names: tuple[str, ...]) -> float:
        edges = [shapes.outline(name).diff(dim=0, append=shapes.outline(name)[:1]).norm(dim=1).sum() for name in names]
        return float(torch.stack(edges).mean())

    assert compactness(NOVEL) == pytest.approx(compactness(TRAINING), rel=0.1)


# --- the domain ---


@pytest.mark.parametrize("k", [0, 3, 64])
def test_other_numbers_of_shapes_are_refused(k: int) -> None:
    with pytest.raises(UsageError, match=rf"^shapes: k={k}: expected one of 2, 4, 8, 16, 32$"):
        build_domain(f"shapes:k={k}")


def test_the_domain_names_its_companions_and_its_warm_up() -> None:
    domain = build_domain("shapes:k=4:difficulty=easy")
    assert domain.classes == TRAINING[:4]
    assert domain.companions == tuple(
        f"shapes:difficulty=easy:k=4:shift={shift}" for shift in ("novel", "novel_vs_seen")
    )
    assert domain.warmup_domain == "color"
    assert not set(build_domain("color").warmup_classes) & set(MEMBERS)


@pytest.mark.parametrize("k", SIZES)
def test_same_and_every_different_pair_are_equally_frequent(k: int) -> None:
    block = 2 * k * (k - 1)
    pairs = build_domain(f"shapes:k={k}").draw("val", 0, block)
    a, b = pairs.a.latents["class"], pairs.b.latents["class"]
    count = torch.zeros(k, k, dtype=torch.long).index_put((a, b), torch.ones_like(a), accumulate=True)
    assert torch.equal(pairs.label, (a == b).long())
    assert torch.equal(count, 1 + torch.eye(k, dtype=torch.long) * (k - 2))


def test_every_class_is_drawn_as_the_shape_that_it_names() -> None:
    """The mask covers as much of the disc of its area as the outline does."""
    domain = build_domain("shapes:k=32:shift=novel_vs_seen")
    images = domain.draw("val", 0, 400).a
    centre = torch.arange(32) + 0.5
    dx, dy = (centre - images.latents[axis][:, None] for axis in ("x", "y"))
    within = (dx[:, None] ** 2 + dy[:, :, None] ** 2).sqrt() < images.latents["radius"][:, None, None]
    mask = images.latents["mask"].double() / 255
    share = (mask * within).sum((1, 2)) / mask.sum((1, 2))
    view = [polar_view(name)[:, 0].real for name in domain.classes]
    expected = torch.tensor([float(rings[:12].sum() / rings.sum()) for rings in view])
    assert torch.allclose(share.float(), expected[images.latents["class"]], atol=0.08)


@pytest.mark.parametrize("text", ["color:shift=novel", "texture:shift=novel", "shapes:k=2:shift=novel"])
def test_novel_pairs(text: str) -> None:
    domain = build_domain(text)
    assert domain.classes == NOVEL
    pairs = domain.draw("test", 0, 480)
    a, b = pairs.a.latents["class"], pairs.b.latents["class"]
    smooth_a, smooth_b = (index >= len(NOVEL) // 2 for index in (a, b))
    different = a != b
    expected = {
        "same": ~different,
        "different, within corners": different & ~smooth_a & ~smooth_b,
        "different, within smooth": different & smooth_a & smooth_b,
        "different, corners with smooth": different & (smooth_a != smooth_b),
    }
    assert tuple(expected) == pairs.strata.names
    for number, rows in enumerate(expected.values()):
        assert torch.equal(pairs.strata.index == number, rows)
    assert [int(rows.sum()) for rows in expected.values()] == [240, 56, 56, 128]


def test_novel_pairs_are_the_same_whatever_was_trained_on() -> None:
    few, many = (build_domain(f"shapes:k={k}:shift=novel").draw("test", 0, 50) for k in (2, 32))
    assert torch.equal(few.a.pixels, many.a.pixels)
    assert torch.equal(few.b.pixels, many.b.pixels)


def test_novel_beside_seen() -> None:
    domain = build_domain("shapes:k=4:shift=novel_vs_seen")
    assert domain.classes == TRAINING[:4] + NOVEL
    pairs = domain.draw("test", 0, 1200)
    a, b = pairs.a.latents["class"], pairs.b.latents["class"]
    novel_a, novel_b = a >= 4, b >= 4
    assert torch.equal(pairs.label == 1, novel_a == novel_b)
    assert torch.equal(pairs.label == 1, a == b)
    kind = torch.where(novel_a != novel_b, 2, novel_a.long())
    assert pairs.strata.names == ("same, seen", "same, novel", "seen with novel")
    assert torch.equal(pairs.strata.index, kind)
    assert torch.bincount(kind).tolist() == [300, 300, 600]
    assert int((novel_a & ~novel_b).sum()) == 300
    assert (torch.bincount(a, minlength=20) > 0).all()


def test_a_pair_of_novel_and_seen_depends_on_its_number_alone() -> None:
    domain = build_domain("shapes:k=8:shift=novel_vs_seen")
    whole, part = domain.draw("val", 1, 30), domain.draw("val", 1, 7, 20)
    assert torch.equal(whole.a.pixels[20:27], part.a.pixels)
    assert torch.equal(whole.b.latents["class"][20:27], part.b.latents["class"])
    assert torch.equal(whole.strata.index[20:27], part.strata.index)


def test_no_shift_cuts_a_shape_off_at_the_border() -> None:
    shifts = build_domain("shapes").shifts
    assert not set(shifts) & {*SHORT_SHIFTS, "conflict", "near_shape"}
    assert set(shifts) > {"greyscale", "noise", "outline", "smaller", "aligned_pose", "novel", "novel_vs_seen"}
    for shift in ("smaller", "aligned_pose", "diagonal", "novel", "novel_vs_seen", "blob"):
        masks = build_domain(f"shapes:k=32:shift={shift}").draw("val", 0, 300).b.latents["mask"]
        border = torch.cat([masks[:, 0], masks[:, -1], masks[:, :, 0], masks[:, :, -1]], dim=1)
        assert int(border.max()) < 128, shift


# --- what the test asks for can be had, and not from size ---


def distance(pairs: Pairs) -> Tensor:
    a, b = (descriptors.mask_descriptors(images.latents["mask"]) for images in (pairs.a, pairs.b))
    return (a - b).norm(dim=1)


def extent(images: Images) -> Tensor:
    """Area, height and width of each figure, (N, 3)."""
    mask = images.latents["mask"]
    seen = mask > 127
    return torch.stack([mask.double().sum((1, 2)) / 255, seen.any(2).sum(1), seen.any(1).sum(1)], dim=1)


def features(pairs: Pairs, columns: slice) -> NDArray[np.float64]:
    a, b = extent(pairs.a)[:, columns], extent(pairs.b)[:, columns]
    return torch.cat([a, b, (a - b).abs(), a * b], dim=1).numpy()


def test_descriptors_do_not_depend_on_place_size_and_angle() -> None:
    gap = distance(build_domain("shapes:k=32").draw("val", 0, 300))
    label = build_domain("shapes:k=32").draw("val", 0, 300).label
    assert gap[label == 1].mean() < 0.25 * gap[label == 0].mean()


def test_novel_pairs_can_be_told_apart_by_what_was_learned_on_the_training_family() -> None:
    seen, novel = (
        build_domain("shapes:k=32").draw("train", 0, 500),
        build_domain("shapes:shift=novel").draw("test", 0, 480),
    )
    gap = distance(seen)
    threshold = max(gap, key=lambda limit: int(((gap < limit) == (seen.label == 1)).sum()))
    right = (distance(novel) < threshold) == (novel.label == 1)
    for number, name in enumerate(novel.strata.names):
        assert right[novel.strata.index == number].double().mean() > 0.97, name


def test_novel_images_are_named_by_their_nearest_neighbour() -> None:
    domain = build_domain("shapes:shift=novel")
    known, asked = domain.draw("train", 0, 480).a, domain.draw("test", 0, 200).a
    gap = torch.cdist(*(descriptors.mask_descriptors(images.latents["mask"]) for images in (asked, known)))
    named = known.latents["class"][gap.argmin(1)]
    assert (named == asked.latents["class"]).double().mean() > 0.98


@pytest.mark.parametrize(("columns", "limit"), [(slice(0, 1), 0.55), (slice(0, 3), 0.63)])
def test_area_and_bounding_box_do_not_tell_novel_pairs_apart(columns: slice, limit: float) -> None:
    domain = build_domain("shapes:shift=novel")
    train, test = domain.draw("train", 0, 1440), domain.draw("test", 0, 1440)
    model = HistGradientBoostingClassifier(max_iter=40, random_state=0)
    model.fit(features(train, columns), train.label)
    assert model.score(features(test, columns), test.label) < limit
