"""Texture banks: no two splits share a texture, and a user's images join them."""

import hashlib
import importlib
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Domain, Images
from bench.errors import UsageError

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")

SPLITS = ("train", "val", "test")


def fingerprints(pixels: Tensor) -> list[str]:
    return [hashlib.sha256(image.numpy().tobytes()).hexdigest() for image in pixels]


def assert_same_images(first: Images, second: Images) -> None:
    assert torch.equal(first.pixels, second.pixels)
    assert all(torch.equal(value, second.latents[key]) for key, value in first.latents.items())


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
    return DOMAINS.get("texture")(textures=str(folder))


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
    assert dict(DOMAINS.get("texture")().content) == dict(DOMAINS.get("color")().content) == {}

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
