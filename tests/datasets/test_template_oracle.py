"""The template oracle names shapes from pixels alone, nearly without error, and falls with noise as theory says."""

import importlib
import math

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Images, uniforms

zoo.load()
corruptions = importlib.import_module("_fusebench_plugins.datasets.corruptions")
oracle = importlib.import_module("_fusebench_plugins.datasets.template_oracle")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
scene = importlib.import_module("_fusebench_plugins.datasets.scene")

SHAPES = ("circle", "square")
CONTRAST = 0.15
PLACE = (16.3, 15.1)


def drawn(n: int, shift: str = "") -> Images:
    return DOMAINS.get("color")(shift=shift).draw("val", 0, n).a


def named(images: Images, shift: str = "") -> Tensor:
    """Class that the oracle of a domain finds most likely, from nothing but the pixels."""
    likelihoods = DOMAINS.get("color")(shift=shift).log_likelihoods(Images(images.pixels, {}))
    assert likelihoods is not None
    assert likelihoods.dtype == torch.float32
    return likelihoods.argmax(1)


def accuracy(images: Images, shift: str = "") -> float:
    return float((named(images, shift) == images.latents["class"]).float().mean())


def posed(radius: float, angle: Tensor) -> object:
    """One place and size in all images, at these angles."""
    return scene.Pose(*(torch.full((len(angle),), value) for value in (*PLACE, radius)), angle)


def noisy(n: int, radius: float, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    """Faint figures on grey with ``noise`` in units of their contrast, so faint that no noise is clipped.

    Returns:
        Classes (N,), pixels, and the difference of figure and ground (N, 3, 1, 1).
    """
    u = uniforms(("noisy", str(radius)), 0, n, 4 + 3 * 32 * 32)
    names = torch.arange(n) % 2
    alpha = renderer.coverage(names, posed(radius, (u[:, 0] * 2 * math.pi).float()), SHAPES)
    direction = corruptions.normal(u[:, 1:4])[:, :, None, None]
    color = CONTRAST * direction / direction.norm(dim=1, keepdim=True)
    images = 0.5 + color * alpha[:, None] + noise * CONTRAST * corruptions.normal(u[:, 4:]).view(n, 3, 32, 32)
    return names, (images * 255 + 0.5).clamp(0, 255).to(torch.uint8), color


def noisy_accuracy(n: int, radius: float, noise: float) -> float:
    names, pixels, _ = noisy(n, radius, noise)
    return float((oracle.log_likelihoods(pixels, SHAPES).argmax(1) == names).float().mean())


def informed_odds(pixels: Tensor, color: Tensor, radius: float, noise: float) -> Tensor:
    """Log-odds of a square by Bayes' rule, for an observer that is told all but shape and angle."""
    seen = ((pixels.float() / 255 - 0.5) * color).sum(1).flatten(1) / CONTRAST**2
    angles = torch.arange(90) * (math.pi / 180)
    likelihoods = []
    for shape in range(2):
        drawings = renderer.coverage(torch.full((90,), shape), posed(radius, angles), SHAPES).flatten(1)
        exponents = (seen @ drawings.T - drawings.square().sum(1) / 2) / noise**2
        likelihoods.append(exponents.logsumexp(1))
    return likelihoods[1] - likelihoods[0]


def test_names_every_plain_figure() -> None:
    assert accuracy(drawn(512)) == 1


@pytest.mark.parametrize(
    "shift", ["inverted", "silhouette", "smaller", "larger", "translated", "sweep_contrast", "blur-5", "noise-5"]
)
def test_names_figures_that_the_source_does_not_draw(shift: str) -> None:
    assert accuracy(drawn(96, shift), shift) >= 0.98


def test_hypotheses_are_the_outlines_of_the_classes_in_play() -> None:
    near = drawn(96, "near_shape")
    assert DOMAINS.get("color")(shift="near_shape").log_likelihoods(near).shape == (96, 6)
    assert accuracy(near, "near_shape") >= 0.98


@pytest.mark.parametrize("shift", ["blob", "occlusion", "clutter", "outline", "conflict"])
def test_what_it_does_not_expect_still_gets_a_score(shift: str) -> None:
    likelihoods = DOMAINS.get("color")(shift=shift).log_likelihoods(drawn(32, shift))
    assert likelihoods.shape == (32, 2)
    assert likelihoods.isfinite().all()


def test_any_outline_serves_as_a_hypothesis() -> None:
    shapes = ("triangle", "star", "ellipse", "arrow", "heart", "hexagon")
    shape, pose = torch.arange(60) % len(shapes), renderer.pose(uniforms(("outlines",), 0, 60, 4))
    colors = (uniforms(("colors",), 0, 60, 3) * 100).to(torch.uint8)[:, :, None, None]
    pixels, _ = renderer.paint(scene.Scene(shape, shapes, pose, colors + 100, colors, {}))
    assert torch.equal(oracle.log_likelihoods(pixels, shapes).argmax(1), shape)


def test_fits_lie_where_the_figures_were_drawn() -> None:
    images = drawn(256)
    fits = oracle.fitted_poses(images.pixels, SHAPES)
    assert fits.shape == (256, 2, 4)
    classes = images.latents["class"]
    x, y, radius, angle = fits[torch.arange(256), classes].unbind(1)
    for fitted, name in ((x, "x"), (y, "y"), (radius, "radius")):
        assert (fitted - images.latents[name]).abs().max() < 0.05, name
    turned = (angle - images.latents["angle"])[classes == 1] % (math.pi / 2)
    assert torch.minimum(turned, math.pi / 2 - turned).max() < 0.02


def test_colours_do_not_matter() -> None:
    pixels = drawn(192, "noise-5").pixels
    plain = oracle.log_likelihoods(pixels, SHAPES)
    for changed in (255 - pixels, pixels.flip(1), (pixels // 2 + 60)):
        scores = oracle.log_likelihoods(changed, SHAPES)
        assert torch.equal(scores.argmax(1), plain.argmax(1))
    odds, inverted = plain[:, 1] - plain[:, 0], oracle.log_likelihoods(255 - pixels, SHAPES).diff(dim=1)[:, 0]
    assert (inverted - odds).abs().median() < 0.01


def test_falls_with_noise_to_chance() -> None:
    levels = [noisy_accuracy(256, 4.0, noise) for noise in (0.0, 0.2, 0.4, 0.8, 3.0)]
    assert levels[:2] == [1, 1]
    assert levels == sorted(levels, reverse=True)
    assert levels[2] > 0.9
    assert levels[-1] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("radius", "noise"), [(2.0, 0.2), (3.0, 0.3), (4.0, 0.5), (6.0, 0.6)])
def test_is_little_worse_than_an_observer_that_is_told_place_size_and_colours(radius: float, noise: float) -> None:
    names, pixels, color = noisy(512, radius, noise)
    told = ((informed_odds(pixels, color, radius, noise) > 0) == (names == 1)).float().mean()
    found = (oracle.log_likelihoods(pixels, SHAPES).argmax(1) == names).float().mean()
    assert told - 0.08 < found < told + 0.02


def test_odds_are_calibrated_under_noise() -> None:
    """Of the images with a probability of a shape near p, that share shows it; neither shape is favoured."""
    names, pixels, _ = noisy(512, 4.0, 0.6)
    probability = oracle.log_likelihoods(pixels, SHAPES).softmax(1)[:, 1]
    assert float(probability.mean()) == pytest.approx(0.5, abs=0.06)
    sure = (probability - 0.5).abs() > 0.4
    assert float(((probability > 0.5) == (names == 1))[sure].float().mean()) > 0.85


def test_a_row_depends_on_its_image_only() -> None:
    pixels = torch.cat([drawn(70).pixels, drawn(70, "sweep_noise").pixels])
    whole = oracle.log_likelihoods(pixels, SHAPES)
    order = torch.arange(len(pixels)).flip(0)
    assert torch.equal(oracle.log_likelihoods(pixels[order], SHAPES), whole[order])
    for rows in (slice(0, 1), slice(69, 72), slice(100, 140)):
        assert torch.equal(oracle.log_likelihoods(pixels[rows], SHAPES), whole[rows])


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_empty_image_tells_nothing(value: int) -> None:
    likelihoods = oracle.log_likelihoods(torch.full((2, 3, 32, 32), value, dtype=torch.uint8), SHAPES)
    assert likelihoods.isfinite().all()
    assert torch.equal(likelihoods[:, 0], likelihoods[:, 1])


def test_no_images_give_no_rows() -> None:
    assert oracle.log_likelihoods(torch.empty(0, 3, 32, 32, dtype=torch.uint8), SHAPES).shape == (0, 2)


def test_textures_have_no_template_oracle() -> None:
    assert DOMAINS.get("texture")().log_likelihoods(drawn(2)) is None
