"""What a user of ``color`` and ``texture`` relies on: reproducible, balanced, visible and free of leaks."""

import hashlib
import importlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Domain, Images, Pairs
from bench.errors import UsageError

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")
synthetic = importlib.import_module("_fusebench_plugins.datasets.synthetic")
Texture = DOMAINS.get("texture")

NAMES = ("color", "texture")
SPLITS = ("train", "val", "test")
REFERENCE = 1200
AUDIT = 4096
POSE = ("x", "y", "radius", "angle")
SURFACE = {
    "color": ("figure_color", "ground_color"),
    "texture": ("figure_texture", "ground_texture", "texture_offset"),
}
each_domain = pytest.mark.parametrize("name", NAMES)


@cache
def domain(name: str) -> Domain:
    return DOMAINS.get(name)()


@cache
def drawn(name: str, split: str = "val", seed: int = 0, n: int = REFERENCE) -> Pairs:
    return domain(name).draw(split, seed, n)


def assert_same_images(first: Images, second: Images) -> None:
    assert torch.equal(first.pixels, second.pixels)
    assert set(first.latents) == set(second.latents)
    for key, value in first.latents.items():
        assert torch.equal(value, second.latents[key]), key


def rows(images: Images, start: int, n: int) -> Images:
    part = slice(start, start + n)
    return Images(images.pixels[part], {key: value[part] for key, value in images.latents.items()})


def fingerprints(pixels: Tensor) -> list[str]:
    return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in pixels]


@contextmanager
def threads(n: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# --- sample i depends on (version, split, seed, i) alone ---


@each_domain
@given(start=st.integers(0, REFERENCE - 1), n=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_a_pair_depends_on_its_number_alone(name: str, start: int, n: int) -> None:
    n = min(n, REFERENCE - start)
    pairs, whole = domain(name).draw("val", 0, n, start), drawn(name)
    assert torch.equal(pairs.label, whole.label[start : start + n])
    assert_same_images(pairs.a, rows(whole.a, start, n))
    assert_same_images(pairs.b, rows(whole.b, start, n))


@each_domain
@pytest.mark.parametrize("easy", [False, True])
@given(start=st.integers(0, 199), n=st.integers(1, 40))
@settings(max_examples=10, deadline=None)
def test_a_named_image_depends_on_its_number_alone(name: str, easy: bool, start: int, n: int) -> None:
    n = min(n, 200 - start)
    assert_same_images(domain(name).draw_named("val", 0, n, start, easy), rows(named(name, easy), start, n))


@cache
def named(name: str, easy: bool) -> Images:
    return domain(name).draw_named("val", 0, 200, easy=easy)


@each_domain
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_pairs_do_not_depend_on_threads_or_chunks(
    name: str, count: int, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drawn(name)
    monkeypatch.setattr(renderer, "CHUNK", chunk)
    with threads(count):
        pairs = domain(name).draw("val", 0, 150)
    assert_same_images(pairs.a, rows(whole.a, 0, 150))
    assert_same_images(pairs.b, rows(whole.b, 0, 150))


@each_domain
def test_a_second_domain_object_draws_the_same_whatever_the_global_seed(name: str) -> None:
    torch.manual_seed(12345)
    pairs = DOMAINS.get(name)().draw("val", 0, 40)
    assert_same_images(pairs.a, rows(drawn(name).a, 0, 40))


@each_domain
def test_splits_and_seeds_differ_and_share_no_image(name: str) -> None:
    draws = {(split, seed): drawn(name, split, seed) for split in SPLITS for seed in (0, 1)}
    prints = Counter(p for pairs in draws.values() for side in (pairs.a, pairs.b) for p in fingerprints(side.pixels))
    assert len(prints) == 2 * len(draws) * REFERENCE
    orders = {tuple((2 * pairs.a.latents["class"] + pairs.b.latents["class"]).tolist()) for pairs in draws.values()}
    assert len(orders) == len(draws)


@each_domain
def test_latents_of_the_splits_do_not_repeat(name: str) -> None:
    sides = [side for split in SPLITS for side in (drawn(name, split).a, drawn(name, split).b)]
    poses = [torch.stack([side.latents[key] for key in POSE], 1) for side in sides]
    assert len(torch.unique(torch.cat(poses), dim=0)) == 6 * REFERENCE


# --- labels and balance ---


@each_domain
@pytest.mark.parametrize("split", SPLITS)
def test_labels_agree_with_classes_and_half_are_same(name: str, split: str) -> None:
    pairs = drawn(name, split)
    classes = (side.latents["class"].tolist() for side in (pairs.a, pairs.b))
    expected = [int(a == b) for a, b in zip(*classes, strict=True)]
    assert pairs.label.tolist() == expected
    assert pairs.label.dtype == torch.int64
    assert sum(expected) * 2 == REFERENCE


@each_domain
@given(block=st.integers(0, REFERENCE // 4 - 1))
@settings(max_examples=30, deadline=None)
def test_each_block_of_four_pairs_holds_the_four_cells(name: str, block: int) -> None:
    pairs, part = drawn(name), slice(4 * block, 4 * block + 4)
    cells = zip(pairs.a.latents["class"][part].tolist(), pairs.b.latents["class"][part].tolist(), strict=True)
    assert sorted(cells) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("k", [2, 3, 5])
@given(start=st.integers(0, 300), n=st.integers(1, 100))
@settings(max_examples=15, deadline=None)
def test_blocks_of_more_classes_are_balanced_too(k: int, start: int, n: int) -> None:
    size = 2 * k * (k - 1)
    a, b = synthetic.balanced_classes(("test", k), 0, 5 * size, k)
    cells = list(zip(a.tolist(), b.tolist(), strict=True))
    for block in range(5):
        count = Counter(cells[block * size : (block + 1) * size])
        assert count == {(i, j): k - 1 if i == j else 1 for i in range(k) for j in range(k)}
    start, n = min(start, 5 * size - 1), min(n, 5 * size - min(start, 5 * size - 1))
    part_a, part_b = synthetic.balanced_classes(("test", k), start, n, k)
    assert list(zip(part_a.tolist(), part_b.tolist(), strict=True)) == cells[start : start + n]


@each_domain
def test_the_order_within_blocks_is_random(name: str) -> None:
    labels = drawn(name).label.view(-1, 4)
    orders = Counter(map(tuple, labels.tolist()))
    assert len(orders) == 6
    assert max(orders.values()) < 2 * min(orders.values())


# --- images and their record ---


@each_domain
def test_images_are_uint8_and_every_factor_is_recorded(name: str) -> None:
    pairs = drawn(name)
    for images in (pairs.a, pairs.b):
        assert len(images) == REFERENCE
        assert images.pixels.shape == (REFERENCE, 3, 32, 32)
        assert images.pixels.dtype == torch.uint8
        assert set(images.latents) == {"class", *POSE, *SURFACE[name]}
        assert all(len(value) == REFERENCE for value in images.latents.values())


@each_domain
@pytest.mark.parametrize("kind", ["pairs", "named"])
def test_the_record_is_enough_to_paint_the_image_again(name: str, kind: str) -> None:
    images = drawn(name).a if kind == "pairs" else named(name, False)
    classes = shapes.TASK_SHAPES if kind == "pairs" else shapes.BANK_SHAPES
    latents = images.latents
    if name == "color":
        figure, ground = (latents[key][:, :, None, None] for key in SURFACE[name])
    else:
        tiles = bank_module.texture_bank("val").tiles
        corners = latents["texture_offset"]

        def cut(tile: Tensor, corner: Tensor) -> Tensor:
            rows_and_columns = zip(tile.tolist(), corner.tolist(), strict=True)
            return torch.stack([tiles[t, :, y : y + 32, x : x + 32] for t, (y, x) in rows_and_columns])

        figure = cut(latents["figure_texture"], corners[:, :2])
        ground = cut(latents["ground_texture"], corners[:, 2:])
    pose = renderer.Pose(*(latents[key] for key in POSE))
    assert torch.equal(renderer.paint(latents["class"], pose, classes, figure, ground), images.pixels)


def oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Bytes (N, 3) to OKLab, after Ottosson's reference code."""
    c = rgb.astype(float) / 255
    r, g, b = np.where(c > 0.04045, ((c + 0.055) / 1.055) ** 2.4, c / 12.92).T
    l = np.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)  # noqa: E741
    m = np.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    s = np.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return np.stack(
        [
            0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
            1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s,
            0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s,
        ],
        axis=1,
    )


def test_no_color_image_is_below_the_contrast_floor() -> None:
    pairs = domain("color").draw("train", 0, 10_000)
    for images in (pairs.a, pairs.b):
        figure, ground = (oklab(images.latents[key].numpy()) for key in SURFACE["color"])
        distance = np.linalg.norm(figure - ground, axis=1)
        assert distance.min() >= 0.22 - 1e-6
        assert np.abs(figure - ground)[:, 0].min() >= 0.10 - 1e-6  # visible in grey as well


def test_texture_figures_and_grounds_differ_in_mean_colour() -> None:
    below = []
    for split in SPLITS:
        means = bank_module.texture_bank(split).tiles.double().mean((2, 3)).round().to(torch.uint8).numpy()
        for images in (drawn("texture", split).a, drawn("texture", split).b):
            figure, ground = (oklab(means[images.latents[key].numpy()]) for key in ("figure_texture", "ground_texture"))
            distance, lightness = np.linalg.norm(figure - ground, axis=1), np.abs(figure - ground)[:, 0]
            below += ((distance < 0.22 - 0.005) | (lightness < 0.10 - 0.005)).tolist()
            assert (images.latents["figure_texture"] != images.latents["ground_texture"]).all()
    assert np.mean(below) < 0.002


def test_colours_come_from_the_palette_and_from_everywhere() -> None:
    from matplotlib import colormaps

    names = ("Accent", "Dark2", "Paired", "Pastel1", "Set1", "Set2", "Set3", "tab10", "tab20", "tab20b", "tab20c")
    known = {tuple(round(255 * c) for c in color) for name in names for color in colormaps[name].colors}
    known |= {(0, 0, 0), (255, 255, 255)}
    latents = drawn("color").a.latents
    figure, ground = ([tuple(c) for c in latents[key].tolist()] for key in SURFACE["color"])
    assert len(known & {*figure, *ground}) > 0.9 * len(known)
    both = np.mean([f in known and g in known for f, g in zip(figure, ground, strict=True)])
    assert both == pytest.approx(0.5, abs=0.06)


# --- the warm-up's images ---


@each_domain
@pytest.mark.parametrize("easy", [False, True])
def test_the_warm_up_never_shows_a_shape_of_the_task(name: str, easy: bool) -> None:
    assert not set(domain(name).warmup_classes) & set(domain(name).classes)
    images = domain(name).draw_named("warmup", 0, 1000, easy=easy)
    assert set(images.latents["class"].tolist()) == set(range(len(domain(name).warmup_classes)))


@each_domain
def test_easy_images_are_large_and_plain(name: str) -> None:
    hard, easy = named(name, False), named(name, True)
    largest = (32 - 1) / 2 / renderer.max_circumradius()
    middle = (renderer.MIN_RADIUS + largest) / 2
    assert hard.latents["radius"].min() < middle - 1
    assert middle <= easy.latents["radius"].min()
    assert easy.latents["radius"].max() <= largest + 1e-4
    assert easy.latents["radius"].max() > largest - 0.2
    # One colour outside and one inside: all pixels lie on the line between two, apart from rounding.
    flat = easy.pixels.flatten(2).transpose(1, 2).double()
    centred = flat - flat.mean(1, keepdim=True)
    singular = torch.linalg.svdvals(centred)
    assert (singular[:, 1] / 32).max() < 0.5
    assert (singular[:, 0] / 32).min() > 2
    ground = flat[:, :1]
    assert ((flat - ground).abs().sum(2) == 0).double().mean(1).min() > 0.4


@each_domain
def test_warm_up_images_are_none_of_the_training_images(name: str) -> None:
    train, warmup = drawn(name, "train"), domain(name).draw_named("warmup", 0, REFERENCE)
    assert not set(fingerprints(train.a.pixels) + fingerprints(train.b.pixels)) & set(fingerprints(warmup.pixels))


# --- texture banks ---


def test_no_two_splits_share_a_texture() -> None:
    tiles = {split: fingerprints(bank_module.texture_bank(split).tiles) for split in SPLITS}
    everything = [p for prints in tiles.values() for p in prints]
    assert len(set(everything)) == len(everything)


def test_every_split_has_procedural_kinds_and_photographs() -> None:
    for split in SPLITS:
        kinds = Counter(bank_module.texture_bank(split).kinds)
        assert {"fractal", "stripes", "checks", "dots", "cells", "marble", "grain"} <= set(kinds)
        assert {"photo:china", "photo:flower"} <= set(kinds)


def test_textures_are_not_flat() -> None:
    for split in SPLITS:
        bank = bank_module.texture_bank(split)
        spread = bank.tiles.double().std((2, 3)).amax(1)
        assert (spread > 1).double().mean() > 0.98
        assert (spread > 5).double().mean() > 0.9


def write_image(path: Path, height: int = 90, width: int = 200, seed: int = 0) -> Path:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def with_textures(folder: Path) -> Domain:
    return Texture(textures=str(folder))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine").mkdir()
    write_image(tmp_path / "mine" / "bark.png", seed=1)
    return tmp_path / "mine"


def test_no_two_splits_share_a_part_of_a_photograph(tmp_path: Path) -> None:
    """A picture whose red is the row and whose green is the column tells where each tile was cut."""
    row, column = np.mgrid[0:255, 0:255].astype(np.uint8)
    Image.fromarray(np.stack([row, column, 0 * row], axis=-1)).save(tmp_path / "map.png")
    taken = {}
    for split in SPLITS:
        bank = bank_module.texture_bank(split, tmp_path)
        mine = bank.tiles[[kind == "photo:map.png" for kind in bank.kinds]]
        assert len(mine) >= 20
        taken[split] = np.zeros((255, 255), bool)
        for tile in mine.numpy():
            (top, bottom), (left, right) = ((int(axis.min()), int(axis.max())) for axis in tile[:2])
            taken[split][top : bottom + 1, left : right + 1] = True
    for first, second in combinations(SPLITS, 2):
        assert not (taken[first] & taken[second]).any(), (first, second)
    assert sum(taken.values()).mean() > 0.8  # no large part of the picture is lost
    assert 0.4 < taken["train"].mean() < 0.75


def test_a_users_images_join_the_bank(folder: Path) -> None:
    own, plain = bank_module.texture_bank("val", folder), bank_module.texture_bank("val")
    assert set(own.kinds) - set(plain.kinds) == {"photo:bark.png"}
    assert torch.equal(own.tiles[: len(plain.tiles)], plain.tiles)
    used = with_textures(folder).draw("val", 0, 300).a.latents["figure_texture"]
    assert (used >= len(plain.tiles)).any()


def test_content_says_which_images_and_not_where_they_lie(folder: Path, tmp_path: Path) -> None:
    content = dict(with_textures(folder).content)
    assert set(content) == {"textures"}
    assert dict(domain("texture").content) == dict(domain("color").content) == {}

    elsewhere = tmp_path / "deeply" / "elsewhere"
    shutil.copytree(folder, elsewhere)
    (elsewhere / "notes.txt").write_text("not an image")
    assert dict(with_textures(elsewhere).content) == content
    assert_same_images(with_textures(elsewhere).draw("val", 0, 50).a, with_textures(folder).draw("val", 0, 50).a)

    write_image(elsewhere / "more.png", seed=2)
    assert dict(with_textures(elsewhere).content) != content
    (elsewhere / "more.png").unlink()
    write_image(elsewhere / "bark.png", seed=3)
    assert dict(with_textures(elsewhere).content) != content


@pytest.mark.parametrize("names", [("moss.png",), ("bark.png", "wood.png")])
def test_equal_content_means_equal_pixels(folder: Path, tmp_path: Path, names: tuple[str, ...]) -> None:
    """Renamed or repeated files: the key of a record may only stay the same if the images do."""
    renamed = tmp_path / "renamed"
    renamed.mkdir()
    for name in names:
        shutil.copy(folder / "bark.png", renamed / name)
    first, second = with_textures(folder), with_textures(renamed)
    same_pixels = torch.equal(first.draw("val", 0, 100).a.pixels, second.draw("val", 0, 100).a.pixels)
    assert same_pixels or dict(first.content) != dict(second.content)


def test_grey_transparent_and_palette_images_are_fine(tmp_path: Path) -> None:
    image = Image.open(write_image(tmp_path / "rgb.png"))
    for mode in ("L", "RGBA", "P"):
        image.convert(mode).save(tmp_path / f"{mode}.png")
    assert len(with_textures(tmp_path).draw("val", 0, 4)) == 4


def _missing(folder: Path) -> None:
    folder.rmdir()


def _empty(folder: Path) -> None:
    (folder / "readme.txt").write_text("no images here")


def _text(folder: Path) -> None:
    (folder / "fake.png").write_text("not an image")


def _truncated(folder: Path) -> None:
    path = write_image(folder / "cut.png")
    path.write_bytes(path.read_bytes()[:2000])


def _narrow(folder: Path) -> None:
    write_image(folder / "small.png", height=90, width=100)


def _low(folder: Path) -> None:
    write_image(folder / "small.png", height=60, width=400)


def _folder_named_like_an_image(folder: Path) -> None:
    (folder / "folder.png").mkdir()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (_missing, "no images found"),
        (_empty, "no images found"),
        (_text, "fake.png"),
        (_truncated, "cut.png"),
        (_narrow, "small.png: too small.*120x72"),
        (_low, "small.png: too small.*120x72"),
        (_folder_named_like_an_image, "images"),
    ],
)
def test_bad_textures_are_a_usage_error_in_one_line(tmp_path: Path, spoil: Callable[[Path], None], says: str) -> None:
    bad = tmp_path / "bad"
    bad.mkdir()
    spoil(bad)

    def use() -> None:
        made = with_textures(bad)
        assert made.content
        made.draw("val", 0, 4)

    with pytest.raises(UsageError, match=says) as caught:
        use()
    assert str(bad) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_smallest_image_that_is_allowed_works_in_every_split(tmp_path: Path) -> None:
    write_image(tmp_path / "smallest.png", height=72, width=120)
    for split in ("val", "test"):
        assert len(with_textures(tmp_path).draw(split, 0, 4)) == 4


# --- leaks ---


Describe = Callable[[str, Images], NDArray[np.float64]]


def nuisances(name: str, images: Images) -> NDArray[np.float64]:
    """Everything that may vary but must not tell the shape: place, size, angle, colours."""
    latents = {key: value.double().numpy() for key, value in images.latents.items()}
    columns = [latents["x"], latents["y"], latents["radius"], latents["radius"] ** 2]
    columns += [f(k * latents["angle"]) for k in (1, 2, 4) for f in (np.sin, np.cos)]
    if name == "color":
        surfaces = [latents[key] / 255 for key in SURFACE[name]]
    else:
        means = bank_module.texture_bank("train").mean_rgb
        surfaces = [means[images.latents[key]].numpy() for key in ("figure_texture", "ground_texture")]
        surfaces.append(latents["texture_offset"])
    features = np.column_stack([*columns, *surfaces])
    return np.column_stack([features, features**2])


def statistics(name: str, images: Images) -> NDArray[np.float64]:
    pixels = images.pixels.double()
    return torch.cat([pixels.mean((2, 3)), pixels.std((2, 3))], 1).numpy()


def joint(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([a, b, np.abs(a - b), (a - a.mean(0)) * (b - b.mean(0))])


def probe(features: NDArray[np.float64], target: NDArray[np.int64]) -> tuple[float, float]:
    """Accuracy of a logistic regression on the second half after training on the first, and the limit for chance:
    the 99.9 % binomial band around one half."""
    half = len(target) // 2
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    model.fit(features[:half], target[:half])
    return float((model.predict(features[half:]) == target[half:]).mean()), 3.29 * 0.5 / (len(target) - half) ** 0.5


def both(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([a, b], 1).reshape(-1, *a.shape[1:])


def class_from(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    classes = both(*(side.latents["class"].numpy() for side in (pairs.a, pairs.b)))
    return probe(both(describe(name, pairs.a), describe(name, pairs.b)), classes)


def label_from(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(joint(describe(name, pairs.a), describe(name, pairs.b)), pairs.label.numpy())


def label_from_a(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(describe(name, pairs.a), pairs.label.numpy())


def label_from_b(describe: Describe, name: str, pairs: Pairs) -> tuple[float, float]:
    return probe(describe(name, pairs.b), pairs.label.numpy())


@each_domain
@pytest.mark.parametrize("describe", [nuisances, statistics])
@pytest.mark.parametrize("target", [class_from, label_from, label_from_a, label_from_b])
def test_nothing_but_the_shape_tells_class_or_label(name: str, describe: Describe, target: Callable[..., Any]) -> None:
    accuracy, band = target(describe, name, drawn(name, "train", 0, AUDIT))
    assert abs(accuracy - 0.5) < band


def test_the_audit_catches_larger_squares() -> None:
    clean = drawn("color", "train", 0, AUDIT)

    def enlarged(images: Images) -> Images:
        scale = torch.where(images.latents["class"] == 1, 1.1, 1.0)
        return Images(images.pixels, {**images.latents, "radius": images.latents["radius"] * scale})

    accuracy, band = class_from(nuisances, "color", Pairs(enlarged(clean.a), enlarged(clean.b), clean.label))
    assert accuracy > 0.5 + band


def test_the_audit_catches_brighter_squares() -> None:
    clean = drawn("texture", "train", 0, AUDIT)

    def brighter(images: Images) -> Images:
        more = 12 * images.latents["class"][:, None, None, None]
        return Images((images.pixels.long() + more).clamp(max=255).to(torch.uint8), images.latents)

    accuracy, band = class_from(statistics, "texture", Pairs(brighter(clean.a), brighter(clean.b), clean.label))
    assert accuracy > 0.5 + band


def test_the_audit_catches_same_images_that_lie_nearer_to_each_other() -> None:
    clean = drawn("color", "train", 0, AUDIT)
    a, b = clean.a.latents["x"], clean.b.latents["x"]
    nearer = torch.where(clean.label == 1, 0.7 * b + 0.3 * a, b)
    leaky = Pairs(clean.a, Images(clean.b.pixels, {**clean.b.latents, "x": nearer}), clean.label)
    accuracy, band = label_from(nuisances, "color", leaky)
    assert accuracy > 0.5 + band
