"""Factors of images, and which of them a shift is said to change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.catalogue.factors import correlation, factors, moved, short, within_classes
from bench.domain import Images

N = 200


def images(**latents: torch.Tensor) -> Images:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (N, 3, 5, 4), generator=generator, dtype=torch.uint8)
    return Images(pixels, {"class": torch.zeros(N, dtype=torch.int64), **latents})


def normal(seed: int) -> torch.Tensor:
    drawn = torch.randn(N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return drawn - drawn.mean()


def test_latents_of_several_components_are_averaged_and_masks_become_areas() -> None:
    mask = torch.zeros(N, 4, 4, dtype=torch.uint8)
    mask[:, :2] = 255
    color = torch.tensor([[10, 20, 60]], dtype=torch.uint8).expand(N, 3)
    found = factors(images(radius=normal(0).float(), color=color, mask=mask, at_contrast_floor=torch.ones(N).bool()))
    assert list(found) == ["radius", "color", "area", "brightness", "chroma", "detail"]
    assert torch.equal(found["radius"].float(), normal(0).float())
    assert found["color"].eq(30).all()
    assert found["area"].eq(0.5).all()


def test_measured_factors() -> None:
    shown = images()
    x = shown.pixels.numpy() / 255
    found = factors(shown)
    np.testing.assert_allclose(found["brightness"], x.mean((1, 2, 3)), rtol=1e-5)
    np.testing.assert_allclose(found["chroma"], np.ptp(x, axis=1).mean((1, 2)), rtol=1e-5)
    edges = [np.abs(np.diff(x, axis=axis)).mean((1, 2, 3)) for axis in (2, 3)]
    np.testing.assert_allclose(found["detail"], np.mean(edges, axis=0), rtol=1e-5)


def test_correlation_is_pearsons() -> None:
    x, y = normal(1), normal(1) + normal(2)
    assert correlation(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert correlation(x, torch.ones_like(x)) == 0


def test_what_follows_from_the_class_does_not_count_as_correlation() -> None:
    classes = torch.arange(N) % 5
    x, y = 10 * classes + normal(1), 10 * classes + normal(2)
    assert correlation(x, y) > 0.9
    assert abs(correlation(within_classes(x, classes), within_classes(y, classes))) < 0.2


@given(st.lists(st.integers(0, 9), min_size=1, max_size=50))
def test_within_classes_every_mean_is_zero(labels: list[int]) -> None:
    classes = torch.tensor(labels)
    rest = within_classes(torch.arange(len(labels)).double() ** 2, classes)
    for label in set(labels):
        assert float(rest[classes == label].mean()) == pytest.approx(0, abs=1e-9)


def test_moved_names_what_changed_and_nothing_else() -> None:
    a, b = {"x": normal(1), "size": 5 + normal(3)}, {"x": normal(2), "size": 5 + normal(4)}
    assert moved((a, b), (a, b)) == []
    assert moved((a, b), (a, {**b, "x": a["x"]})) == ["r x 1.00"]
    (shifted,) = moved((a, b), ({**a, "size": a["size"] + 3}, {**b, "size": b["size"] + 3}))
    assert shifted.startswith("size ")
    assert float(shifted.split()[-1]) - float(shifted.split()[1]) == pytest.approx(3, abs=0.02)
    (wider,) = moved((a, b), ({**a, "x": 4 * a["x"]}, {**b, "x": 4 * b["x"]}))
    assert wider.startswith("sd x ")


def test_a_factor_that_the_shift_does_not_have_is_passed_over() -> None:
    known = {"x": normal(1), "texture": normal(2)}
    assert moved((known, known), ({"x": normal(1)}, {"x": normal(1)})) == []


@pytest.mark.parametrize(("number", "text"), [(0.00080149, "0.000801"), (135.24, "135"), (1790.4, "1790"), (0, "0")])
def test_short_numbers_fit_into_a_column(number: float, text: str) -> None:
    assert short(number) == text
