"""The ``color`` domain: a plain figure on a plain ground of a contrasting colour."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from bench.domain import Images, Pairs, Split, register_domain
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.spec import Spec

from .colors import CANDIDATES, contrasting_colors, oklab
from .difficulty import Difficulty
from .renderer import IMAGE_SIZE, max_circumradius, max_radius
from .scene_shifts import EXPONENTS
from .synthetic import SyntheticDomain
from .template_oracle import log_likelihoods

# Of the classes that are not named like their outlines.
OUTLINES = {f"p = {exponent}": f"superellipse:{exponent}" for exponent in EXPONENTS}
# In pixels: the smallest of the shift ``sweep_radius``.
LEAST_RADIUS = 2.0
CHANNELS = (3, 1)
# Shifts that change nothing where there is one channel.
OF_COLOURS = ("greyscale", "saturation")


@register_domain
class Color(SyntheticDomain):
    """Circle or square in one colour on another: half from matplotlib's qualitative maps, half random.

    Args:
        difficulty: easy, standard or hard: one of ``presets``.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
        min_radius: smallest radius in pixels of the circle of equal area; 0 for that of the difficulty.
        channels: 3, or 1 for shades of grey that are as light as the colours.
    """

    name, version = "color", 1
    surface_columns = 4 + 3 * CANDIDATES
    companions = ("texture",)
    offers = ("image", "mask", "likelihoods")

    def __init__(
        self, difficulty: str = "standard", shift: str = "", min_radius: float = 0.0, channels: int = 3
    ) -> None:
        if channels not in CHANNELS:
            raise UsageError(f"{self.name}: channels={channels}: expected {' or '.join(map(str, CHANNELS))}")
        if channels == 1 and shift.partition("-")[0] in OF_COLOURS:
            raise UsageError(f"{self.name}: the shift {shift} changes colours, and with channels=1 there are none")
        super().__init__(difficulty, shift)
        self.difficulty = _with_min_radius(self.difficulty, min_radius, self.name)
        self.image = MapShape(channels, IMAGE_SIZE, IMAGE_SIZE)
        # Images of one channel need filters of their own; sizes, like the difficulty, do not.
        self.warmup_domain = "color"
        if channels == 1:
            self.warmup_domain = str(Spec("color", {"channels": 1}))
            self.companions = ()
            self.shifts = {name: what for name, what in self.shifts.items() if name not in OF_COLOURS}
            # Shades differ in lightness alone.
            self.difficulty = replace(self.difficulty, min_lightness=self.difficulty.min_distance)

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        pairs = super().draw(split, seed, n, start)
        return replace(pairs, a=self._shown(pairs.a), b=self._shown(pairs.b))

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        return self._shown(super().draw_named(split, seed, n, start, easy))

    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        ground, figure, found = contrasting_colors(u, self.difficulty)
        channels = self.image.channels
        if channels == 1:
            ground, figure = as_light(ground), as_light(figure)
        latents = {
            "figure_color": figure[:, :channels],
            "ground_color": ground[:, :channels],
            "at_contrast_floor": ~found,
        }
        return figure[:, :, None, None], ground[:, :, None, None], latents

    def _shown(self, images: Images) -> Images:
        """Images as they are shown: grey ones are painted and changed in three equal channels, of which one is left."""
        return replace(images, pixels=images.pixels[:, : self.image.channels].contiguous())

    def log_likelihoods(self, images: Images) -> Tensor:
        """The template oracle of the source: plain figures in the outlines of the classes.

        A shift that draws anything else, such as outlines, clutter or conflicting elements, takes it by surprise as it
        does a model.
        """
        return log_likelihoods(images.pixels, tuple(OUTLINES.get(name, name) for name in self.classes))


def as_light(colors: Tensor) -> Tensor:
    """Colours (N, 3) uint8 as shades of grey (N, 3) uint8, nearest in OKLab lightness."""
    shades = torch.arange(256, dtype=torch.float64)[:, None].expand(-1, 3) / 255
    lightness = oklab(shades)[:, 0].contiguous()
    found = torch.bucketize(oklab(colors.double() / 255)[:, 0].contiguous(), (lightness[1:] + lightness[:-1]) / 2)
    return found.to(torch.uint8)[:, None].expand(-1, 3)


def _with_min_radius(limits: Difficulty, min_radius: float, name: str) -> Difficulty:
    largest = math.floor(10 * max_radius(max_circumradius())) / 10
    if min_radius and not LEAST_RADIUS <= min_radius <= largest:
        allowed = f"{LEAST_RADIUS:g} to {largest:g} pixels, or 0 for that of the difficulty"
        raise UsageError(f"{name}: min_radius={min_radius:g}: expected {allowed}")
    return replace(limits, min_radius=min_radius) if min_radius else limits
