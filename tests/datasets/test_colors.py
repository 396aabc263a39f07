"""Every figure stands out from its ground, and colours come from everywhere."""

import importlib
from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bench import zoo
from bench.domain import DOMAINS, Domain, uniforms

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")
difficulty = importlib.import_module("_fusebench_plugins.datasets.difficulty")

IMAGES, PART = 50_000, 5_000


@cache
def domain(name: str, preset: str = "standard") -> Domain:
    return DOMAINS.get(name)(difficulty=preset)


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


@pytest.mark.parametrize("preset", list(difficulty.PRESETS))
@pytest.mark.parametrize("split", ["train", "val", "test"])
@pytest.mark.parametrize("name", ["color", "texture"])
def test_no_image_is_at_the_contrast_floor(name: str, split: str, preset: str) -> None:
    source = domain(name, preset)
    for start in range(0, IMAGES // 9, PART):
        _, _, latents = source.surfaces(split, uniforms(("floor", split), start, PART, source.surface_columns))
        assert not latents["at_contrast_floor"].any()


@pytest.mark.parametrize("preset", list(difficulty.PRESETS))
def test_no_color_image_is_below_the_limits_of_its_difficulty(preset: str) -> None:
    limits = domain("color", preset).difficulty
    pairs = domain("color", preset).draw("train", 0, 3_000)
    for images in (pairs.a, pairs.b):
        figure, ground = (oklab(images.latents[key].numpy()) for key in ("figure_color", "ground_color"))
        assert np.linalg.norm(figure - ground, axis=1).min() >= limits.min_distance - 1e-6
        assert np.abs(figure - ground)[:, 0].min() >= limits.min_lightness - 1e-6  # visible in grey as well
        assert not images.latents["at_contrast_floor"].any()


@pytest.mark.parametrize("preset", list(difficulty.PRESETS))
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_texture_figures_and_grounds_differ_in_mean_colour(preset: str, split: str) -> None:
    limits = domain("texture", preset).difficulty
    means = bank_module.texture_bank(split).tiles.double().mean((2, 3)).round().to(torch.uint8).numpy()
    pairs = domain("texture", preset).draw(split, 0, 800)
    for images in (pairs.a, pairs.b):
        figure, ground = (oklab(means[images.latents[key].numpy()]) for key in ("figure_texture", "ground_texture"))
        distance, lightness = np.linalg.norm(figure - ground, axis=1), np.abs(figure - ground)[:, 0]
        # The means here are rounded to bytes.
        below = (distance < limits.min_distance - 0.005) | (lightness < limits.min_lightness - 0.005)
        assert not below.any()
        assert not images.latents["at_contrast_floor"].any()
        assert (images.latents["figure_texture"] != images.latents["ground_texture"]).all()


def test_colours_come_from_the_palette_and_from_everywhere() -> None:
    from matplotlib import colormaps

    names = ("Accent", "Dark2", "Paired", "Pastel1", "Set1", "Set2", "Set3", "tab10", "tab20", "tab20b", "tab20c")
    known = {tuple(round(255 * c) for c in color) for name in names for color in colormaps[name].colors}
    known |= {(0, 0, 0), (255, 255, 255)}
    latents = domain("color").draw("val", 0, 1200).a.latents
    figure, ground = ([tuple(c) for c in latents[key].tolist()] for key in ("figure_color", "ground_color"))
    assert len(known & {*figure, *ground}) > 0.9 * len(known)
    both = np.mean([f in known and g in known for f, g in zip(figure, ground, strict=True)])
    assert both == pytest.approx(0.5, abs=0.06)
