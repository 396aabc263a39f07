"""Corruptions as shifts: which images, which severities, how drawn."""

import importlib
from functools import cache

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Pairs, build_domain, uniforms

zoo.load()
corruptions = importlib.import_module("_fusebench_plugins.datasets.corruptions")
pixel_shifts = importlib.import_module("_fusebench_plugins.datasets.pixel_shifts")

N = 400
GRADED = list(corruptions.GRADED)
SINGLE = pixel_shifts.SINGLE_SEVERITIES
KEY = ("test", 1, "val", 0)


@cache
def drawn(text: str) -> Pairs:
    return build_domain(text).draw("val", 0, N)


def grey_images(n: int) -> Tensor:
    return torch.full((n, 3, 32, 32), 128, dtype=torch.uint8)


def test_nine_corruptions_mixed_and_each_at_five_severities() -> None:
    assert len(GRADED) == 9
    assert set(GRADED) <= set(pixel_shifts.PIXEL_SHIFTS)
    assert set(SINGLE) == {f"{name}-{severity}" for name in GRADED for severity in range(1, 6)}
    assert not set(SINGLE) & set(DOMAINS.get("color")().shifts)  # not part of all shifts, which mix the severities


@pytest.mark.parametrize("name", GRADED)
def test_the_mixture_consists_of_its_severities(name: str) -> None:
    mixed = drawn(f"texture:shift={name}")
    assert mixed.strata.names == tuple(f"severity {severity}" for severity in range(1, 6))
    for severity in (1, 5):
        single = drawn(f"texture:shift={name}-{severity}")
        assert single.strata is None
        rows = mixed.strata.index == severity - 1
        assert rows.sum() > N / 8
        assert torch.equal(mixed.a.pixels[rows], single.a.pixels[rows])
        assert torch.equal(mixed.b.pixels[rows], single.b.pixels[rows])


@pytest.mark.parametrize("name", GRADED)
def test_pixels_are_those_of_the_corruption(name: str) -> None:
    source, single = drawn("texture").b.pixels[:32], drawn(f"texture:shift={name}-3").b.pixels[:32]
    u = uniforms(("texture", build_domain("texture").version, "val", 0, "shift", "b"), 0, 32, 3 * 32 * 32)
    severity = torch.full((32,), 2)
    exact = corruptions.GRADED[name](source.float() / 255, severity, u.view(32, 3, 32, 32))
    assert (single.float() - 255 * exact.clamp(0, 1)).abs().max() <= 0.501  # rounded to nearest


def test_noise_has_the_deviation_of_its_severity() -> None:
    for severity, deviation in enumerate(corruptions.NOISE, 1):
        a, b, strata = SINGLE[f"noise-{severity}"](grey_images(60), grey_images(60), KEY, 0)
        assert strata is None
        for images in (a, b):
            assert images.double().std() / 255 == pytest.approx(deviation, rel=0.02)
        both = torch.stack([a.double().flatten(), b.double().flatten()])
        assert abs(torch.corrcoef(both)[0, 1]) < 0.015  # A and B have noise of their own


@pytest.mark.parametrize("name", pixel_shifts.ONLY_B)
def test_only_b_leaves_a_and_gives_b_the_same_as_both(name: str) -> None:
    only_b, both, source = (drawn(text) for text in (f"color:shift={name}-b", f"color:shift={name}", "color"))
    assert torch.equal(only_b.a.pixels, source.a.pixels)
    assert torch.equal(only_b.b.pixels, both.b.pixels)
    assert not torch.equal(both.a.pixels, source.a.pixels)


@pytest.mark.parametrize("name", ["color", "texture"])
def test_greyscale_has_three_equal_channels_and_keeps_the_luma(name: str) -> None:
    grey = drawn(f"{name}:shift=greyscale")
    for side in ("a", "b"):
        pixels, before = getattr(grey, side).pixels, getattr(drawn(name), side).pixels.double()
        assert (pixels == pixels[:, :1]).all()
        luma = 0.299 * before[:, 0] + 0.587 * before[:, 1] + 0.114 * before[:, 2]
        assert (pixels[:, 0] - luma).abs().max() <= 0.51
    # A figure is still seen.
    assert grey.a.pixels.double().std((1, 2, 3)).min() > 1


def test_the_noise_sweep_has_eight_levels_that_both_images_share() -> None:
    shift = pixel_shifts.PIXEL_SHIFTS["sweep_noise"]
    a, b, strata = shift(grey_images(800), grey_images(800), KEY, 0)
    assert strata.names == tuple(f"noise {deviation:g}" for deviation in corruptions.SWEPT_NOISE)
    for level, deviation in enumerate(corruptions.SWEPT_NOISE[:5]):  # more is clipped at black and white
        for images in (a, b):
            each = images[strata.index == level].double().flatten(1).std(1) / 255
            # Rounding to bytes adds nothing that matters; clipping at 2.5 deviations takes a little.
            assert each.numpy() == pytest.approx(deviation, rel=0.1, abs=1e-9)


@pytest.mark.parametrize("start", [0, 700, 1020])
def test_rows_do_not_depend_on_the_chunk(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = (drawn(name).a.pixels[:200] for name in ("texture", "color"))
    for name in ("noise", "blur", "pixelate"):
        whole = pixel_shifts.PIXEL_SHIFTS[name](a, b, KEY, start)
        with monkeypatch.context() as patch:
            patch.setattr(pixel_shifts, "BLOCK", 60)
            parts = pixel_shifts.PIXEL_SHIFTS[name](a, b, KEY, start)
        assert torch.equal(parts[0], whole[0])
        assert torch.equal(parts[1], whole[1])
        assert torch.equal(parts[2].index, whole[2].index)


@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 48, 40), (3, 64, 64)])
def test_images_of_other_sizes(shape: tuple[int, int, int]) -> None:
    images = torch.full((30, *shape), 128, dtype=torch.uint8)
    for name in (*GRADED, "greyscale"):
        shift = pixel_shifts.PIXEL_SHIFTS[name]
        a, b, _ = shift(images, images, KEY, 0)
        assert a.shape == b.shape == images.shape, name
        part, _, _ = shift(images[:9], images[:9], KEY, 11)
        assert torch.equal(part, a[11:20]), name
    noisy, _, _ = SINGLE["noise-5"](images, images, KEY, 0)
    added = (noisy.double() / 255 - 128 / 255).flatten(1)
    assert added.std() == pytest.approx(0.1, rel=0.03)
    assert (torch.corrcoef(added) - torch.eye(30)).abs().max() < 5 / added.shape[1] ** 0.5  # no two share their noise


def test_severities_do_not_look_at_the_label() -> None:
    index, label = drawn("color:shift=noise").strata.index, drawn("color:shift=noise").label
    shares = torch.stack([(index[label == value, None] == torch.arange(5)).double().mean(0) for value in (0, 1)])
    assert (shares[0] - shares[1]).abs().max() < 4 * (2 * 0.2 * 0.8 / (N / 2)) ** 0.5
