"""Corruptions against independent references: scipy, matplotlib, Pillow, and the moments of the noises."""

import importlib
import inspect
import io

import numpy as np
import pytest
import torch
from matplotlib.colors import hsv_to_rgb, rgb_to_hsv
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from bench import zoo
from bench.domain import uniforms

zoo.load()
corruptions = importlib.import_module("_fusebench_plugins.datasets.corruptions")
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")

# ImageNet-C/create_c/make_cifar_c.py of github.com/hendrycks/robustness.
CIFAR_10_C = {
    "NOISE": [0.04, 0.06, 0.08, 0.09, 0.10],
    "PHOTONS": [500, 250, 100, 75, 50],
    "FLIPPED": [0.01, 0.02, 0.03, 0.05, 0.07],
    "BLUR": [0.4, 0.6, 0.7, 0.8, 1],
    "CONTRAST": [0.75, 0.5, 0.4, 0.3, 0.15],
    "BRIGHTNESS": [0.05, 0.1, 0.15, 0.2, 0.3],
    "SATURATION": [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
    "JPEG": [80, 65, 58, 50, 40],
    "PIXELATE": [0.95, 0.9, 0.85, 0.75, 0.65],
}
each_level = pytest.mark.parametrize("level", range(5))
N = 24


def textures() -> Tensor:
    """(N, 3, 32, 32) in [0, 1]: tiles of all kinds and single random pixels, which have every hue."""
    tiles = bank_module.texture_bank("test").tiles
    some = tiles[:: len(tiles) // 20, :, :32, :32][:20].float() / 255
    noisy = (uniforms(("hues",), 0, 4, 3 * 32 * 32).view(4, 3, 32, 32).float() * 255).round() / 255
    return torch.cat([some, noisy])


def corrupt(name: str, level: int, x: Tensor) -> NDArray[np.float64]:
    """Pixels last, clipped: (N, 32, 32, 3)."""
    u = uniforms(("test", name), 0, len(x), x[0].numel()).view(x.shape)
    result = getattr(corruptions, name)(x, torch.full((len(x),), level), u)
    assert result.shape == x.shape
    assert result.dtype == torch.float32
    return pixels_last(result.clamp(0, 1))


def pixels_last(x: Tensor) -> NDArray[np.float64]:
    return x.permute(0, 2, 3, 1).double().numpy()


def farthest(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    return float(np.abs(first - second).max())


def test_severities_are_those_of_cifar_10_c() -> None:
    for setting, values in CIFAR_10_C.items():
        assert list(getattr(corruptions, setting)) == values, setting
    assert corruptions.SEVERITIES == 5


def test_every_graded_corruption_is_its_function_and_says_what_it_does() -> None:
    for name, function in corruptions.GRADED.items():
        assert function is getattr(corruptions, name)
        assert inspect.getdoc(function).split("\n")[0].endswith("."), name


@each_level
def test_blur(level: int) -> None:
    x = textures()
    sigma = CIFAR_10_C["BLUR"][level]
    expected = gaussian_filter(pixels_last(x), sigma, mode="nearest", radius=4, axes=(1, 2))
    assert farthest(corrupt("blur", level, x), expected) < 1e-5
    # The generator truncates at four deviations instead of four pixels.
    truncated = gaussian_filter(pixels_last(x), sigma, mode="nearest", truncate=4, axes=(1, 2))
    assert farthest(corrupt("blur", level, x), truncated) < 1e-3


@each_level
def test_contrast(level: int) -> None:
    x = textures()
    expected = np.empty((N, 32, 32, 3))
    for i, image in enumerate(pixels_last(x)):
        for c in range(3):
            mean = image[:, :, c].mean()
            expected[i, :, :, c] = np.clip((image[:, :, c] - mean) * CIFAR_10_C["CONTRAST"][level] + mean, 0, 1)
    assert farthest(corrupt("contrast", level, x), expected) < 1e-5


@each_level
def test_brightness(level: int) -> None:
    x = torch.cat([textures(), torch.zeros(1, 3, 32, 32), torch.full((1, 3, 32, 32), 0.5)])
    hsv = rgb_to_hsv(pixels_last(x))
    hsv[..., 2] = np.clip(hsv[..., 2] + CIFAR_10_C["BRIGHTNESS"][level], 0, 1)
    assert farthest(corrupt("brightness", level, x), hsv_to_rgb(hsv)) < 1e-5


@each_level
def test_saturation(level: int) -> None:
    x = textures()
    hsv = rgb_to_hsv(pixels_last(x))
    coloured = hsv[..., 1] > 0
    factor, offset = CIFAR_10_C["SATURATION"][level]
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + offset, 0, 1)
    assert coloured.mean() > 0.5
    assert farthest(corrupt("saturation", level, x)[coloured], hsv_to_rgb(hsv)[coloured]) < 1e-5


@each_level
def test_grey_stays_grey_at_every_saturation(level: int) -> None:
    grey = torch.linspace(0, 1, N)[:, None, None, None].expand(N, 3, 32, 32)
    assert farthest(corrupt("saturation", level, grey), pixels_last(grey)) < 1e-6


@each_level
def test_pixelate(level: int) -> None:
    x = textures()
    small = int(32 * CIFAR_10_C["PIXELATE"][level])
    difference = []
    for image, mine in zip(pixels_last(x), corrupt("pixelate", level, x), strict=True):
        source = Image.fromarray((image * 255).round().astype(np.uint8))
        boxed = source.resize((small, small), Image.Resampling.BOX).resize((32, 32), Image.Resampling.BOX)
        difference.append(255 * mine - np.asarray(boxed))
    assert np.abs(difference).max() <= 1.01  # Pillow rounds after rows and after columns


@each_level
def test_jpeg(level: int) -> None:
    x = textures()
    expected = []
    for image in pixels_last(x):
        file = io.BytesIO()
        Image.fromarray((image * 255).round().astype(np.uint8)).save(
            file, format="jpeg", quality=CIFAR_10_C["JPEG"][level]
        )
        expected.append(np.asarray(Image.open(file), dtype=float))
    assert farthest(255 * corrupt("jpeg", level, x), np.stack(expected)) < 1e-3


def flat(value: float, n: int = 64) -> Tensor:
    return torch.full((n, 3, 32, 32), value)


@each_level
def test_moments_of_noise(level: int) -> None:
    added = corrupt("noise", level, flat(0.5)) - 0.5
    deviation = CIFAR_10_C["NOISE"][level]
    assert added.mean() == pytest.approx(0, abs=5 * deviation / added.size**0.5)
    assert added.std() == pytest.approx(deviation, rel=0.01)
    assert (np.abs(added) > 2 * deviation).mean() == pytest.approx(0.0455, rel=0.05)


def test_noise_differs_between_pixels_channels_and_images() -> None:
    added = (corrupt("noise", 0, flat(0.5, 200)) - 0.5).reshape(200, -1)
    assert abs(np.corrcoef(added[:, :-1].ravel(), added[:, 1:].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(added[:-1].ravel(), added[1:].ravel())[0, 1]) < 0.01


@each_level
@pytest.mark.parametrize("value", [0.1, 0.4, 0.7])
def test_moments_of_shot_noise(level: int, value: float) -> None:
    photons = CIFAR_10_C["PHOTONS"][level]
    counts = photons * corrupt("shot_noise", level, flat(value))
    mean = photons * value
    assert counts.mean() == pytest.approx(mean, abs=5 * (mean / counts.size) ** 0.5 + 1e-3)
    assert counts.var() == pytest.approx(mean + 1 / 8, rel=0.03)


@each_level
def test_shot_noise_is_faint_in_the_dark(level: int) -> None:
    noisy = corrupt("shot_noise", level, flat(0.0))
    assert 255 * noisy.mean() < 1
    assert noisy.std() < 0.4 / CIFAR_10_C["PHOTONS"][level]


@each_level
def test_share_of_impulses(level: int) -> None:
    x = flat(0.5, 128)
    noisy = corrupt("impulse_noise", level, x)
    share = CIFAR_10_C["FLIPPED"][level]
    assert (noisy == 0).mean() == pytest.approx(share / 2, rel=0.05)
    assert (noisy == 1).mean() == pytest.approx(share / 2, rel=0.05)
    assert set(np.unique(noisy)) == {0.0, 0.5, 1.0}
    # Each channel is hit by itself.
    hit = noisy != 0.5
    assert (hit[..., 0] & hit[..., 1]).mean() < 3 * share**2


def test_swept_noise_starts_at_none_and_goes_beyond_every_severity() -> None:
    assert corruptions.SWEPT_NOISE[0] == 0
    assert list(corruptions.SWEPT_NOISE) == sorted(set(corruptions.SWEPT_NOISE))
    assert corruptions.SWEPT_NOISE[-1] > max(corruptions.NOISE)
    x = textures()
    assert farthest(corrupt("swept_noise", 0, x), pixels_last(x)) == 0
    for level, deviation in enumerate(corruptions.SWEPT_NOISE[:5]):
        assert corrupt("swept_noise", level, flat(0.5)).std() == pytest.approx(deviation, rel=0.02, abs=1e-9)


def test_greyscale_is_the_luma_of_pillow() -> None:
    x = textures()
    grey = corrupt("greyscale", 0, x)
    assert (grey == grey[..., :1]).all()
    expected = [
        np.asarray(Image.fromarray((image * 255).round().astype(np.uint8)).convert("L")) for image in pixels_last(x)
    ]
    assert farthest(255 * grey[..., 0], np.stack(expected).astype(float)) < 0.51


@pytest.mark.parametrize("name", [*corruptions.GRADED, "swept_noise", "greyscale"])
def test_each_image_has_its_own_severity(name: str) -> None:
    x = textures()[:10]
    u = uniforms(("mixed",), 0, 10, x[0].numel()).view(x.shape)
    severity = torch.tensor([4, 0, 3, 1, 2, 2, 1, 3, 0, 4])
    function = getattr(corruptions, name)
    together = function(x, severity, u)
    for i in range(10):
        alone = function(x[i : i + 1], severity[i : i + 1], u[i : i + 1])[0]
        assert torch.allclose(together[i], alone, atol=1e-6)


@pytest.mark.parametrize("name", list(corruptions.GRADED))
def test_a_higher_severity_changes_more(name: str) -> None:
    x = textures()
    change = [np.abs(corrupt(name, level, x) - pixels_last(x)).mean() for level in range(5)]
    if name == "saturation":  # two levels take colour away, three add some
        assert change[0] < change[1]
        assert change[2] < change[3] < change[4]
    else:
        assert change == sorted(change)
    assert min(change) > 0
