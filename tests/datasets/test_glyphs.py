"""The domain ``glyphs``: characters that can be told apart, in fonts that no two splits share."""

import importlib
import math
import unicodedata
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.ndimage import affine_transform
from torch import Tensor
from torch.nn import functional as F

from bench import zoo
from bench.domain import build_domain

zoo.load()
glyph_masks = importlib.import_module("_fusebench_plugins.datasets.glyph_masks")
glyphs = importlib.import_module("_fusebench_plugins.datasets.glyphs")


def masks() -> Tensor:
    """(characters, fonts, side, side) in [0, 1]."""
    side = glyph_masks.SIDE
    return glyph_masks.glyph_masks().view(100, 16, side, side).float() / 255


def test_there_are_100_characters_and_none_is_another_in_small() -> None:
    characters = glyph_masks.CHARACTERS
    assert len(set(characters)) == len(characters) == 100
    assert not [letter for letter in "ckopsuvwxyz" if {letter, letter.upper()} <= set(characters)]
    assert not set("O0oIl|") & set(characters)


def test_every_font_has_every_character() -> None:
    from fontTools.ttLib import TTFont
    from matplotlib import get_data_path

    for name in glyph_masks.FONTS:
        known = TTFont(f"{get_data_path()}/fonts/ttf/{name}.ttf").getBestCmap()
        missing = [unicodedata.name(c) for c in glyph_masks.CHARACTERS if ord(c) not in known]
        assert not missing, name


def test_every_character_has_the_same_longer_side_and_is_centred() -> None:
    ink = masks() > 0
    position = torch.arange(glyph_masks.SIDE)
    sides = []
    for axis in (2, 3):
        line = ink.any(5 - axis)
        first = torch.where(line, position, 99).amin(2)
        last = torch.where(line, position, -1).amax(2)
        assert ((first + last + 1) / 2 - glyph_masks.SIDE / 2).abs().max() <= 1.5
        sides.append(last - first + 1)
    assert (torch.maximum(*sides) - glyph_masks.INK).abs().max() <= 2
    assert masks().mean((2, 3)).min() > 0.05


def test_no_two_characters_look_alike_in_any_font() -> None:
    """The cosine of two masks in one font at the best of five relative angles; 1 is identity."""
    small = F.avg_pool2d(masks().flatten(0, 1)[:, None], 2)
    unit = F.normalize(small.flatten(1), dim=1).view(100, 16, -1)
    closest = torch.zeros(100, 100)
    for degrees in (-20, -10, 0, 10, 20):
        turned = F.normalize(rotated(small, degrees).flatten(1), dim=1).view(100, 16, -1)
        closest = torch.maximum(closest, torch.einsum("cfp,dfp->fcd", unit, turned).amax(0))
    closest.fill_diagonal_(0)
    first, second = divmod(int(closest.argmax()), 100)
    assert closest.max() < 0.93, glyph_masks.CHARACTERS[first] + glyph_masks.CHARACTERS[second]


def rotated(images: Tensor, degrees: float) -> Tensor:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turn = torch.tensor([[cos, -sin, 0.0], [sin, cos, 0.0]]).expand(len(images), 2, 3)
    return F.grid_sample(images, F.affine_grid(turn, list(images.shape), align_corners=False), align_corners=False)


@pytest.mark.parametrize("part", [1, 2])
def test_characters_in_unseen_fonts_are_nearest_to_themselves(part: int) -> None:
    bank = build_domain("glyphs").bank
    unit = F.normalize(F.avg_pool2d(bank.pixels.float(), 2).flatten(1), dim=1)
    train, other = bank.parts == 0, bank.parts == part
    named = bank.classes[train][(unit[other] @ unit[train].T).argmax(1)]
    assert (named == bank.classes[other]).float().mean() > 0.95


def test_every_split_has_every_family_and_style_and_no_font_is_in_two() -> None:
    domain = build_domain("glyphs")
    fonts = {split: set(domain.draw(split, 0, 500).a.latents["font"].tolist()) for split in ("train", "val", "test")}
    assert [len(fonts[split]) for split in fonts] == [8, 4, 4]
    assert sorted(font for part in fonts.values() for font in part) == list(range(16))
    for part in fonts.values():
        assert {font // 4 for font in part} == set(range(4))
        assert {font % 4 for font in part} == set(range(4))


def test_fonts_poses_and_colours_tell_nothing_about_the_label() -> None:
    pairs = build_domain("glyphs").draw("test", 0, 6000)
    a, b = pairs.a.latents, pairs.b.latents
    same = pairs.label == 1
    for alike in (a["font"] == b["font"], a["font"] // 4 == b["font"] // 4):
        assert alike[same].float().mean() == pytest.approx(0.25, abs=0.03)
        assert alike[~same].float().mean() == pytest.approx(0.25, abs=0.03)
    for key in ("x", "y", "radius", "angle"):
        apart = (a[key] - b[key]).abs()
        assert apart[same].mean() == pytest.approx(float(apart[~same].mean()), rel=0.06)


def test_characters_stay_inside_the_frame_and_are_as_large_and_turned_as_stated() -> None:
    latents = build_domain("glyphs:held_out=0").draw("train", 0, 3000).a.latents
    assert latents["radius"].min() >= 7
    assert latents["radius"].max() <= 12.5
    assert latents["angle"].abs().max() <= math.radians(15)
    edge = torch.cat([latents["mask"][:, [0, -1]].flatten(1), latents["mask"][:, :, [0, -1]].flatten(1)], dim=1)
    assert edge.max() <= 128
    ink = (latents["mask"].float() / 255).sum((1, 2))
    assert ink.min() > 8


def test_the_record_is_enough_to_paint_the_image_again() -> None:
    images = build_domain("glyphs").draw("val", 0, 200).b
    mask = images.latents["mask"].double()[:, None] / 255
    figure, ground = (images.latents[key].double()[:, :, None, None] for key in ("figure_color", "ground_color"))
    assert (mask * figure + (1 - mask) * ground - images.pixels).abs().max() <= 1.1


@pytest.mark.parametrize("index", [0, 5, 11])
def test_the_mask_is_the_character_at_its_pose(index: int) -> None:
    """Recomputed with scipy on a fine grid."""
    domain = build_domain("glyphs")
    latents = domain.draw("train", 0, 12).a.latents
    x, y, radius, angle = (float(latents[key][index]) for key in ("x", "y", "radius", "angle"))
    mask = domain.bank.pixels[latents["image"][index], 0].numpy().astype(float)
    zoom = glyph_masks.INK / 2 / radius
    turn = zoom * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    fine = 8
    # Row and column of the mask for row and column of the fine grid, both counted from pixel centres.
    to_image = np.array([0.5 / fine - y, 0.5 / fine - x])
    offset = turn @ to_image + glyph_masks.SIDE / 2 - 0.5
    sampled = affine_transform(mask, turn / fine, offset, output_shape=(32 * fine, 32 * fine), order=1)
    expected = sampled.reshape(32, fine, 32, fine).mean((1, 3))
    error = np.abs(latents["mask"][index].numpy() - expected)
    assert error.mean() < 1.5
    assert error.max() < 30


def test_fewer_held_out_characters_are_among_more() -> None:
    held_out = [set(build_domain(f"glyphs:held_out={m}:shift=novel").classes) for m in (50, 85, 95, 98)]
    assert [len(characters) for characters in held_out] == [50, 85, 95, 98]
    assert all(few < more for few, more in pairwise(held_out))


@pytest.mark.parametrize("chunk", [1, 7])
def test_characters_do_not_depend_on_chunks(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = build_domain("glyphs").draw("train", 0, 60)
    monkeypatch.setattr(glyphs, "CHUNK", chunk)
    assert torch.equal(build_domain("glyphs").draw("train", 0, 60).a.pixels, before.a.pixels)
