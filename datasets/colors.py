"""Colours: palettes, a perceptual distance, and the draw of contrasting figure and ground."""

from __future__ import annotations

from functools import cache

import torch
from matplotlib import colormaps
from torch import Tensor

from .difficulty import Difficulty

QUALITATIVE_MAPS = (
    "Accent",
    "Dark2",
    "Paired",
    "Pastel1",
    "Set1",
    "Set2",
    "Set3",
    "tab10",
    "tab20",
    "tab20b",
    "tab20c",
)
CANDIDATES = 24
# Most grounds find a contrasting colour among the first few; the conversion to OKLab is what takes the time.
LOOKED_AT_FIRST = 4


@cache
def palette() -> Tensor:
    """All distinct colours of matplotlib's qualitative maps with black and white, (P, 3) float64 in [0, 1]."""
    colors = {tuple(color) for name in QUALITATIVE_MAPS for color in colormaps[name].colors}
    return torch.tensor(sorted(colors | {(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)}), dtype=torch.float64)


def oklab(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] (..., 3) to OKLab (..., 3): lightness and two chroma axes. Ottosson, 2020."""
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    to_cone = rgb.new_tensor(
        [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
         [0.0883024619, 0.2817188376, 0.6299787005]]
    )  # fmt: skip
    to_lab = rgb.new_tensor(
        [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
         [0.0259040371, 0.7827717662, -0.8086757660]]
    )  # fmt: skip
    return (linear @ to_cone.T).clamp_min(0).pow(1 / 3) @ to_lab.T


def contrast_ok(first: Tensor, second: Tensor, limits: Difficulty) -> Tensor:
    """Whether two OKLab colours (..., 3) differ enough to see the figure, in grey as well as in colour."""
    difference = first - second
    enough, lighter = limits.min_distance, limits.min_lightness
    return (difference.norm(dim=-1) >= enough) & (difference[..., 0].abs() >= lighter)


def first_contrasting(ground: Tensor, candidates: Tensor, limits: Difficulty) -> tuple[Tensor, Tensor]:
    """For each ground (N, 3) the first of its candidates (N, K, 3), both OKLab, above the contrast floor.

    Returns:
        Index (N,) int64, and whether any candidate was above the floor (N,) bool; where none was, the index is that
        of the most distant candidate.
    """
    good = contrast_ok(ground[:, None], candidates, limits)
    farthest = (ground[:, None] - candidates).norm(dim=-1).argmax(1)
    found = good.any(1)
    return torch.where(found, good.int().argmax(1), farthest), found


def contrasting_colors(u: Tensor, limits: Difficulty) -> tuple[Tensor, Tensor, Tensor]:
    """Ground and figure colours from uniform numbers ``u`` (N, 4 + 3 * CANDIDATES).

    Half of the images take both colours from the palette, half take random ones. The figure takes the first candidate
    that stands out from the ground.

    Returns:
        Ground and figure, (N, 3) uint8 each, and whether their contrast is above the floor, (N,) bool.
    """
    ground, figure, found = _first_of(_candidates(u, LOOKED_AT_FIRST), limits)
    late = (~found).nonzero().flatten()
    # One of black and white stands out from any ground, where no candidate does.
    extremes = torch.tensor([[0, 0, 0], [255, 255, 255]], dtype=torch.uint8).expand(len(late), 2, 3)
    all_colors = torch.cat([_candidates(u[late], CANDIDATES), extremes], dim=1)
    _, figure[late], found[late] = _first_of(all_colors, limits)
    return ground, figure, found


def _candidates(u: Tensor, count: int) -> Tensor:
    """Colours (N, 1 + count, 3) uint8: of the ground, then candidates for the figure."""
    colors = palette()
    drawn = u[:, 1 : 4 + 3 * count].reshape(len(u), 1 + count, 3)
    index = (drawn[:, :, 0] * len(colors)).long()
    # Rounded first: contrast is judged on the colours that are painted.
    return _to_bytes(torch.where((u[:, 0] < 0.5)[:, None, None], colors[index], drawn))


def _first_of(painted: Tensor, limits: Difficulty) -> tuple[Tensor, Tensor, Tensor]:
    """Ground, chosen figure and whether it is above the floor, of colours (N, 1 + K, 3) uint8."""
    lab = oklab(painted.double() / 255)
    chosen, found = first_contrasting(lab[:, 0], lab[:, 1:], limits)
    return painted[:, 0].clone(), painted[torch.arange(len(painted)), 1 + chosen], found


def _to_bytes(rgb: Tensor) -> Tensor:
    return (rgb * 255 + 0.5).to(torch.uint8)
