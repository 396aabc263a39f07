"""Standardisation of each image, and the precision of what follows."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import zoo
from bench.model import standardise

zoo.load()


def test_standardise_recomputed(models: Any) -> None:
    a, _ = models.images(2)
    result = standardise(a)
    for image, expected_of in zip(result, a.double(), strict=True):
        mean = expected_of.mean()
        deviation = ((expected_of - mean) ** 2).mean() ** 0.5
        assert torch.allclose(image.double(), (expected_of - mean) / (deviation + 1), atol=1e-5)


def test_standardise_of_each_image_is_its_own(models: Any) -> None:
    a, b = models.images(2)
    assert torch.equal(standardise(torch.cat([a, b]))[:1], standardise(a[:1]))


@given(st.integers(0, 255), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_standardise_is_finite_and_centred(models: Any, level: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    flat = torch.full((1, 3, 8, 8), level, dtype=torch.uint8)
    noisy = torch.randint(0, 256, (1, 3, 8, 8), dtype=torch.uint8, generator=generator)
    result = standardise(torch.cat([flat, noisy]))
    assert torch.equal(result[0], torch.zeros_like(result[0]))
    assert torch.allclose(result.mean((1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert 0.95 < float(result[1].square().mean().sqrt()) < 1


def test_standardise_removes_brightness(models: Any) -> None:
    dark = torch.randint(0, 128, (1, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(standardise(dark), standardise(dark + 100), atol=1e-5)


def test_standardise_is_float32_channels_last(models: Any) -> None:
    result = standardise(models.images(2)[0])
    assert result.dtype == torch.float32
    assert result.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("fusion", ["concat", "fmap_diff", "corelnet", "two_channel", "pixel_distance"])
def test_the_whole_model_runs_in_float64(models: Any, fusion: str) -> None:
    model = models.build(fusion).double().eval()
    a, b = models.images(2)
    with torch.no_grad():
        result = model(a.double(), b.double())
    assert result.dtype == torch.float64
    assert torch.allclose(result.float(), models.scores(models.build(fusion), a, b), atol=1e-4)
