"""The ``color`` domain: a plain figure on a plain ground of a contrasting colour."""

from __future__ import annotations

from torch import Tensor

from bench.domain import Split, register_domain

from .colors import CANDIDATES, contrasting_colors
from .synthetic import SyntheticDomain


@register_domain
class Color(SyntheticDomain):
    """Circle or square in one colour on another: half from matplotlib's qualitative maps, half random."""

    name, version = "color", 1
    surface_columns = 4 + 3 * CANDIDATES

    def surfaces(self, split: Split, u: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        ground, figure = contrasting_colors(u)
        latents = {"figure_color": figure, "ground_color": ground}
        return figure[:, :, None, None], ground[:, :, None, None], latents
