"""Sizes and channels of ``color``: the same pairs, drawn larger or in shades of grey."""

import importlib

import numpy as np
import pytest
import torch

from bench import zoo
from bench.domain import build_domain
from bench.errors import UsageError

zoo.load()
color = importlib.import_module("_fusebench_plugins.datasets.color")

ONE = "color:channels=1"
N = 200


def lightness(shades: torch.Tensor) -> np.ndarray:
    """OKLab's of bytes that are shades of grey: the cube root of the light."""
    share = shades.double().numpy() / 255
    return np.cbrt(np.where(share > 0.04045, ((share + 0.055) / 1.055) ** 2.4, share / 12.92))


@pytest.mark.parametrize("source", ["color", "color:difficulty=easy", ONE])
def test_the_smallest_radius_can_be_chosen(source: str) -> None:
    usual, large = (build_domain(name).draw("test", 0, N) for name in (source, f"{source}:min_radius=8"))
    assert torch.equal(large.label, usual.label)
    radius = torch.cat([side.latents["radius"] for side in (large.a, large.b)])
    assert 8 <= radius.min() < 8.05
    assert radius.max() <= 8.81
    assert build_domain(f"{source}:min_radius=8").warmup_domain == build_domain(source).warmup_domain


def test_one_channel_shows_the_same_figures() -> None:
    domain = build_domain(ONE)
    grey, colours = (one.draw("test", 0, N) for one in (domain, build_domain("color")))
    assert domain.image.channels == grey.a.pixels.shape[1] == 1
    assert torch.equal(grey.label, colours.label)
    for side, other in ((grey.a, colours.a), (grey.b, colours.b)):
        assert torch.equal(side.latents["mask"], other.latents["mask"])
        for key, covered in (("figure_color", 255), ("ground_color", 0)):
            inside = side.latents["mask"][:, None] == covered
            assert torch.equal(inside * side.pixels, inside * side.latents[key][:, :, None, None])
    assert domain.warmup_domain == build_domain("contours:channels=1").warmup_domain == ONE
    assert domain.draw_named("warmup", 0, 5, easy=True).pixels.shape == (5, 1, 32, 32)


def test_shades_are_as_light_as_colours_and_keep_their_distance() -> None:
    shades = torch.arange(256, dtype=torch.uint8)[:, None].expand(-1, 3)
    assert torch.equal(color.as_light(shades), shades)
    # OKLab's lightness of the three primaries, from Ottosson's table.
    primaries = color.as_light(255 * torch.eye(3, dtype=torch.uint8))[:, 0]
    assert lightness(primaries) == pytest.approx([0.628, 0.866, 0.452], abs=0.003)
    for name in (ONE, f"{ONE}:difficulty=easy"):
        domain = build_domain(name)
        images = domain.draw("train", 0, 2_000).a
        figure, ground = (lightness(images.latents[key]) for key in ("figure_color", "ground_color"))
        # Half a shade each.
        assert np.abs(figure - ground).min() >= domain.difficulty.min_distance - 0.01


def test_shifts_of_grey_images_are_grey() -> None:
    assert set(build_domain("color").shifts) - set(build_domain(ONE).shifts) == {"greyscale", "saturation"}
    source = build_domain(ONE).draw("test", 0, 8)
    for shift in ("inverted", "silhouette", "occlusion", "clutter", "noise", "blur", "brightness", "jpeg"):
        pairs = build_domain(f"{ONE}:shift={shift}").draw("test", 0, 8)
        assert pairs.a.pixels.shape == (8, 1, 32, 32)
        assert not torch.equal(pairs.b.pixels, source.b.pixels)


def test_the_template_oracle_names_grey_figures() -> None:
    images = build_domain(ONE).draw("test", 0, 100).a
    likelihoods = build_domain(ONE).log_likelihoods(images)
    assert torch.equal(likelihoods.argmax(1), images.latents["class"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("color:min_radius=1.9", r"color: min_radius=1.9: expected 2 to 8.8 pixels, or 0 for that of the difficulty"),
        ("color:min_radius=8.9", r"min_radius=8.9: expected 2 to 8.8 pixels"),
        ("color:min_radius=-4", r"min_radius=-4: expected 2 to 8.8 pixels"),
        ("contours:channels=2", r"contours: channels=2: expected 3 or 1"),
        (f"{ONE}:shift=greyscale", r"color: the shift greyscale changes colours, and with channels=1 there are none"),
        (f"{ONE}:shift=saturation-3", r"the shift saturation-3 changes colours"),
    ],
)
def test_what_cannot_be_is_one_line(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        build_domain(name)
    assert "\n" not in str(caught.value)
