"""The ``color`` domain: a plain figure on a plain ground of a contrasting colour."""

from __future__ import annotations

from torch import Tensor

from bench.domain import Images, Split, register_domain

from .colors import CANDIDATES, contrasting_colors
from .scene_shifts import EXPONENTS
from .synthetic import SyntheticDomain
from .template_oracle import log_likelihoods

# Of the classes that are not named like their outlines.
OUTLINES = {f"p = {exponent}": f"superellipse:{exponent}" for exponent in EXPONENTS}


@register_domain
class Color(SyntheticDomain):
    """Circle or square in one colour on another: half from matplotlib's qualitative maps, half random."""

    name, version = "color", 1
    surface_columns = 4 + 3 * CANDIDATES
    companions = ("texture",)
    warmup_domain = "color"
    offers = ("image", "mask", "likelihoods")

    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        ground, figure, found = contrasting_colors(u, self.difficulty)
        latents = {"figure_color": figure, "ground_color": ground, "at_contrast_floor": ~found}
        return figure[:, :, None, None], ground[:, :, None, None], latents

    def log_likelihoods(self, images: Images) -> Tensor:
        """The template oracle of the source: plain figures in the outlines of the classes.

        A shift that draws anything else, such as outlines, clutter or conflicting elements, takes it by surprise as it
        does a model.
        """
        return log_likelihoods(images.pixels, tuple(OUTLINES.get(name, name) for name in self.classes))
