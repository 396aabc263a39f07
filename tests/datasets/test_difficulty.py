"""Presets of difficulty: their limits are kept by what is drawn."""

import copy
import importlib
from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.domain import Images, Pairs, build_domain
from bench.errors import UsageError

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")
difficulty = importlib.import_module("_fusebench_plugins.datasets.difficulty")

PRESETS = {"color": difficulty.PRESETS, "texture": difficulty.TEXTURE_PRESETS}
N = 400
each_domain = pytest.mark.parametrize("name", ["color", "texture"])
each_preset = pytest.mark.parametrize("preset", ["easy", "standard", "hard"])


@cache
def drawn(name: str, preset: str) -> Pairs:
    return build_domain(f"{name}:difficulty={preset}").draw("val", 0, N)


@cache
def without_noise(name: str, preset: str) -> Pairs:
    domain = copy.copy(build_domain(f"{name}:difficulty={preset}"))
    domain.difficulty = replace(domain.difficulty, noise=0.0)
    return domain.draw("val", 0, N)


@each_domain
@each_preset
def test_radii_start_at_the_smallest_allowed(name: str, preset: str) -> None:
    smallest = PRESETS[name][preset].min_radius
    pairs = drawn(name, preset)
    radius = torch.cat([pairs.a.latents["radius"], pairs.b.latents["radius"]])
    assert smallest <= radius.min() < smallest + 0.1
    named = build_domain(f"{name}:difficulty={preset}").draw_named("warmup", 0, N)
    assert smallest <= named.latents["radius"].min() < smallest + 0.1


@each_domain
@each_preset
def test_noise_has_its_deviation_and_hits_every_image_by_itself(name: str, preset: str) -> None:
    noisy, clean, deviation = drawn(name, preset), without_noise(name, preset), PRESETS[name][preset].noise
    if deviation == 0:
        assert torch.equal(noisy.a.pixels, clean.a.pixels)
        assert torch.equal(noisy.b.pixels, clean.b.pixels)
        return
    added = []
    for first, second in ((noisy.a, clean.a), (noisy.b, clean.b)):
        assert torch.equal(first.latents["mask"], second.latents["mask"])
        added.append((first.pixels.double() - second.pixels.double()) / 255)
    # Far from black and white nothing is cut off.
    grey = torch.stack([((side.pixels > 110) & (side.pixels < 145)) for side in (clean.a, clean.b)]).all(0)
    a, b = (values[grey] for values in added)
    assert a.std() == pytest.approx(deviation, rel=0.03)
    assert b.std() == pytest.approx(deviation, rel=0.03)
    assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 4 / len(a) ** 0.5


def painted_ground(images: Images) -> Tensor:
    return images.pixels.double().where(images.latents["mask"][:, None] == 0, torch.nan)


@each_preset
def test_textures_vary_as_much_as_allowed(preset: str) -> None:
    images = without_noise("texture", preset).a
    tiles = bank_module.texture_bank("val").tiles.double()
    ground, corner = images.latents["ground_texture"], images.latents["texture_offset"][:, 2:]
    for i in range(60):
        tile, (top, left) = tiles[ground[i]], corner[i].tolist()
        mean = tile.mean((1, 2))[:, None, None]
        expected = mean + PRESETS["texture"][preset].texture * (tile[:, top : top + 32, left : left + 32] - mean)
        gap = (painted_ground(images)[i] - expected).abs()
        assert gap[~gap.isnan()].max() <= 0.51


def test_the_standard_preset_is_the_default() -> None:
    for name in ("color", "texture"):
        assert torch.equal(build_domain(name).draw("val", 0, 20).a.pixels, drawn(name, "standard").a.pixels[:20])


@each_domain
def test_presets_go_from_easy_to_hard(name: str) -> None:
    assert list(PRESETS[name]) == ["easy", "standard", "hard"]
    easy, standard, hard = PRESETS[name].values()
    assert easy.min_radius >= standard.min_radius >= hard.min_radius
    assert easy.min_distance >= standard.min_distance >= hard.min_distance
    assert easy.min_lightness >= standard.min_lightness >= hard.min_lightness
    assert easy.texture <= standard.texture <= hard.texture
    assert easy.noise <= standard.noise <= hard.noise
    assert len({easy, standard, hard}) == 3


@each_domain
def test_an_unknown_preset_is_one_clear_line(name: str) -> None:
    with pytest.raises(UsageError, match=r"difficulty 'brutal': expected one of easy, standard, hard") as caught:
        build_domain(f"{name}:difficulty=brutal")
    assert "\n" not in str(caught.value)
