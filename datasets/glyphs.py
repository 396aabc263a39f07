"""The ``glyphs`` domain: characters in many fonts, most of which may be held out of training."""

from __future__ import annotations

import math
from functools import cache, cached_property
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.domain import Images, register_domain, uniforms

from .bank import PARTS, Bank, Part
from .colors import CANDIDATES, contrasting_colors
from .difficulty import preset
from .glyph_masks import CHARACTERS, FAMILIES, FONTS, INK, SIDE, glyph_masks
from .labelled import NOVEL, LabelledDomain
from .renderer import IMAGE_SIZE
from .scene import Key, Pose

POSE_COLUMNS = 4
MIN_RADIUS, MAX_RADIUS = 7.0, 12.5
MAX_ANGLE = math.radians(15)
# Samples per pixel and axis: the masks have about as many pixels as the character then has samples.
OVERSAMPLING = 3
CHUNK = 256


@register_domain
class Glyphs(LabelledDomain):
    """Characters of several scripts in 16 fonts, any place, size and colours: do two images show the same character?

    100 characters, no two of them alike in any font. Held-out characters are the protocol of Webb, Sinha & Cohen, 2021,
    Emergent symbols through binding in external memory, which holds out 0, 50, 85, 95 or 98 of 100; here the default
    is 50, so that both kinds are reported. More held out include fewer. Every character has every font. Of the four
    styles of each of four families two are for training, one for validation and one for testing, another style for
    every family: all families and styles are in every split, and no font is in two.

    The two images of a pair are drawn independently given their characters, font included: two fonts that always
    differed in same-pairs would give them away.

    Args:
        held_out: number of characters that training never shows, 0 to 98.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "glyphs", 1
    offers = ("image", "mask")
    # Fonts are groups, and testing shows others than training.
    quarter_of = MappingProxyType({"": "novel_group", NOVEL: "novel_both"})
    collection = None

    def __init__(self, held_out: int = 50, shift: str = "") -> None:
        super().__init__(tuple(CHARACTERS[i] for i in _order()), shift, held_out)

    @cached_property
    def bank(self) -> Bank:
        order = torch.tensor(_order())
        masks = glyph_masks().view(len(CHARACTERS), len(FONTS), 1, SIDE, SIDE)[order].flatten(0, 1)
        font = torch.arange(len(FONTS)).repeat(len(CHARACTERS))
        classes = torch.arange(len(CHARACTERS)).repeat_interleave(len(FONTS))
        return Bank(masks, classes, _part_of_font()[font], {"font": font})

    def choose(self, part: Part, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """A font for each image, whatever the other's."""
        return part.pick(class_a, u[:, 0]), part.pick(class_b, u[:, 1])

    def show(self, chosen: Tensor, classes: Tensor, key: Key, start: int) -> Images:
        """The chosen characters in random colours at random places, sizes and angles."""
        u = uniforms(key, start, len(chosen), POSE_COLUMNS + 4 + 3 * CANDIDATES)
        at = _pose(u[:, :POSE_COLUMNS])
        ground, figure, found = contrasting_colors(u[:, POSE_COLUMNS:], preset("standard"))
        cover = coverage(self.bank.pixels[chosen], at)
        below = ground.float()[:, :, None, None]
        pixels = below + cover[:, None] * (figure.float()[:, :, None, None] - below)
        latents = {
            "class": classes,
            "image": chosen,
            "font": self.bank.latents["font"][chosen],
            "x": at.x,
            "y": at.y,
            "radius": at.radius,
            "angle": at.angle,
            "figure_color": figure,
            "ground_color": ground,
            "at_contrast_floor": ~found,
            "mask": (cover * 255).add_(0.5).to(torch.uint8),
        }
        return Images(pixels.add_(0.5).to(torch.uint8), latents)


def _pose(u: Tensor) -> Pose:
    """Place, half of the longer side and angle of characters from ``u`` (N, 4).

    The square around the character stays inside the frame; its own shape has no say in where it may lie.
    """
    radius = MIN_RADIUS + u[:, 0] * (MAX_RADIUS - MIN_RADIUS)
    angle = (2 * u[:, 3] - 1) * MAX_ANGLE
    margin = radius * (angle.cos() + angle.sin().abs()) + 0.5
    x, y = (margin + u[:, axis] * (IMAGE_SIZE - 2 * margin) for axis in (1, 2))
    return Pose(x.float(), y.float(), radius.float(), angle.float())


def coverage(masks: Tensor, at: Pose) -> Tensor:
    """Share of each pixel that the characters cover.

    Args:
        masks: (N, 1, SIDE, SIDE) uint8.
        at: ``radius`` is half of the character's longer side.

    Returns:
        (N, IMAGE_SIZE, IMAGE_SIZE) float32 in [0, 1].
    """
    parts = [_coverage(masks[i : i + CHUNK], at[i : i + CHUNK]) for i in range(0, len(masks), CHUNK)]
    return torch.cat(parts)


def _coverage(masks: Tensor, at: Pose) -> Tensor:
    samples = OVERSAMPLING * IMAGE_SIZE
    centres = (torch.arange(samples, dtype=torch.float32) + 0.5) / OVERSAMPLING
    dx = (centres - at.x[:, None])[:, None, :]
    dy = (centres - at.y[:, None])[:, :, None]
    # Pixels of the image to the mask's coordinates, which reach from -1 to 1.
    scale = (INK / SIDE) / at.radius
    cos = (torch.cos(at.angle.double()).float() * scale)[:, None, None]
    sin = (torch.sin(at.angle.double()).float() * scale)[:, None, None]
    grid = torch.stack([cos * dx + sin * dy, cos * dy - sin * dx], dim=-1)
    sampled = F.grid_sample(masks.float() / 255, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return F.avg_pool2d(sampled, OVERSAMPLING)[:, 0].clamp_(0, 1)


@cache
def _order() -> tuple[int, ...]:
    """Characters in an order in which those held out, the last ones, are of all scripts."""
    u = uniforms(("glyphs", "order"), 0, len(CHARACTERS), 1)[:, 0]
    return tuple(u.argsort(stable=True).tolist())


def _part_of_font() -> Tensor:
    """Index in ``PARTS`` of every font."""
    part = torch.full((len(FAMILIES), len(FAMILIES[0])), PARTS.index("train"))
    family = torch.arange(len(FAMILIES))
    part[family, family] = PARTS.index("test")
    part[family, (family + 1) % len(FAMILIES[0])] = PARTS.index("val")
    return part.flatten()
