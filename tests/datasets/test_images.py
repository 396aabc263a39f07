"""Images of the rendered domains and the record of the factors that made them."""

import importlib
from functools import cache

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.domain import DOMAINS, Domain, Images, Pairs

zoo.load()
bank_module = importlib.import_module("_fusebench_plugins.datasets.texture_bank")
renderer = importlib.import_module("_fusebench_plugins.datasets.renderer")
scene_module = importlib.import_module("_fusebench_plugins.datasets.scene")
shapes = importlib.import_module("_fusebench_plugins.datasets.shapes")

N = 600
POSE = ("x", "y", "radius", "angle")
SURFACE = {
    "color": ("figure_color", "ground_color"),
    "texture": ("figure_texture", "ground_texture", "texture_offset"),
}
each_domain = pytest.mark.parametrize("name", ["color", "texture"])


@cache
def domain(name: str) -> Domain:
    return DOMAINS.get(name)()


@cache
def drawn(name: str) -> Pairs:
    return domain(name).draw("val", 0, N)


@cache
def named(name: str, easy: bool) -> Images:
    return domain(name).draw_named("val", 0, 200, easy=easy)


@each_domain
def test_images_are_uint8_and_every_factor_is_recorded(name: str) -> None:
    pairs = drawn(name)
    assert pairs.strata is None
    for images in (pairs.a, pairs.b):
        assert len(images) == N
        assert images.pixels.shape == (N, 3, 32, 32)
        assert images.pixels.dtype == torch.uint8
        assert set(images.latents) == {"class", *POSE, *SURFACE[name], "at_contrast_floor", "mask"}
        assert all(len(value) == N for value in images.latents.values())
        assert images.latents["mask"].shape == (N, 32, 32)
        assert images.latents["mask"].dtype == torch.uint8
        assert images.latents["at_contrast_floor"].dtype == torch.bool


def fills(name: str, latents: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Figure and ground as the record says."""
    if name == "color":
        return tuple(latents[key][:, :, None, None] for key in SURFACE[name])
    tiles = bank_module.texture_bank("val").tiles
    corners = latents["texture_offset"]

    kept = domain(name).difficulty.texture

    def cut(tile: Tensor, corner: Tensor) -> Tensor:
        """Windows of the tiles, their variation reduced to the share that the difficulty keeps."""
        places = zip(tile.tolist(), corner.tolist(), strict=True)
        window = torch.stack([tiles[t, :, y : y + 32, x : x + 32] for t, (y, x) in places]).double()
        mean = tiles[tile].double().mean((2, 3), keepdim=True)
        return (mean + kept * (window - mean)).round().to(torch.uint8)

    return cut(latents["figure_texture"], corners[:, :2]), cut(latents["ground_texture"], corners[:, 2:])


@each_domain
@pytest.mark.parametrize("kind", ["pairs", "named"])
def test_the_record_is_enough_to_paint_the_image_again(name: str, kind: str) -> None:
    images = drawn(name).a if kind == "pairs" else named(name, False)
    outlines = shapes.TASK_SHAPES if kind == "pairs" else shapes.BANK_SHAPES
    latents = images.latents
    pose = scene_module.Pose(*(latents[key] for key in POSE))
    scene = scene_module.Scene(latents["class"], outlines, pose, *fills(name, latents), {})
    pixels, mask = renderer.paint(scene)
    # Faded textures may be rounded the other way.
    assert (pixels.int() - images.pixels.int()).abs().max() <= (name == "texture")
    assert torch.equal(mask, latents["mask"])


@each_domain
def test_the_mask_says_where_the_figure_is(name: str) -> None:
    """A pixel is the figure's where the mask is 255, the ground's where it is 0, and between them elsewhere."""
    images = drawn(name).b
    figure, ground = (fill.float().expand(N, 3, 32, 32) for fill in fills(name, images.latents))
    share = images.latents["mask"][:, None].float() / 255
    blend = ground + share * (figure - ground)
    # Half a level of the pixel, half a level of the mask, and one of the texture.
    assert (images.pixels - blend).abs().max() <= (2.01 if name == "texture" else 1.01)
    assert (share == 1).any((1, 2, 3)).all()
    assert (share == 0).any((1, 2, 3)).all()


@each_domain
@pytest.mark.parametrize("easy", [False, True])
def test_the_warm_up_never_shows_a_shape_of_the_task(name: str, easy: bool) -> None:
    assert not set(domain(name).warmup_classes) & set(domain(name).classes)
    images = domain(name).draw_named("warmup", 0, 1000, easy=easy)
    assert set(images.latents["class"].tolist()) == set(range(len(domain(name).warmup_classes)))


@each_domain
def test_easy_images_are_large_and_plain(name: str) -> None:
    hard, easy = named(name, False), named(name, True)
    largest = (32 - 1) / 2 / renderer.max_circumradius()
    smallest = domain(name).difficulty.min_radius
    middle = (smallest + largest) / 2
    assert hard.latents["radius"].min() < smallest + 0.1
    assert middle <= easy.latents["radius"].min()
    assert easy.latents["radius"].max() <= largest + 1e-4
    assert easy.latents["radius"].max() > largest - 0.2
    # One colour outside and one inside: all pixels lie on the line between two, apart from rounding.
    flat = easy.pixels.flatten(2).transpose(1, 2).double()
    centred = flat - flat.mean(1, keepdim=True)
    singular = torch.linalg.svdvals(centred)
    assert (singular[:, 1] / 32).max() < 0.5
    assert (singular[:, 0] / 32).min() > 2
    ground = flat[:, :1]
    assert ((flat - ground).abs().sum(2) == 0).double().mean(1).min() > 0.4
