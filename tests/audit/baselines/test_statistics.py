"""Statistics of pixels on pictures whose figures are known."""

from __future__ import annotations

import pytest
import torch

from bench.audit.baselines.statistics import area, bounding_box, brightness, edge_count, pixel_count


def picture(figure: int, ground: int) -> torch.Tensor:
    """A bar of 3 rows and 7 columns on a plain ground, in the second channel only."""
    pixels = torch.full((1, 3, 16, 16), 90, dtype=torch.uint8)
    pixels[0, 1] = ground
    pixels[0, 1, 4:7, 5:12] = figure
    return pixels


@pytest.mark.parametrize(("figure", "ground"), [(200, 40), (40, 200)])
def test_the_figure_is_found_whether_it_is_lighter_or_darker(figure: int, ground: int) -> None:
    pixels = picture(figure, ground)
    assert bounding_box(pixels).tolist() == [[3, 7]]
    assert edge_count(pixels).tolist() == [[2 * (3 + 7)]]
    assert pixel_count(pixels).tolist() == [[21]]
    assert area(pixels)[0, 1].item() == pytest.approx(21 / 256)


def test_a_pixel_that_the_figure_half_covers_counts_half() -> None:
    pixels = picture(figure=200, ground=40)
    pixels[0, 1, 3, 5:9] = 120
    assert area(pixels)[0, 1].item() == pytest.approx(23 / 256)


def test_mean_and_deviation_are_those_of_each_channel() -> None:
    pixels = torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    found = brightness(pixels)
    for image, row in zip(pixels.double().numpy(), found.numpy(), strict=True):
        expected = [channel.mean() for channel in image] + [channel.std(ddof=1) for channel in image]
        assert row == pytest.approx(expected, rel=1e-5)


def test_a_blank_image_has_no_figure() -> None:
    blank = torch.full((2, 3, 8, 8), 7, dtype=torch.uint8)
    assert bounding_box(blank).tolist() == [[0, 0], [0, 0]]
    assert edge_count(blank).tolist() == pixel_count(blank).tolist() == [[0], [0]]
