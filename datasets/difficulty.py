"""How hard a rendered domain is: presets of the limits within which its factors are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import UsageError


@dataclass(frozen=True)
class Difficulty:
    """Limits of one preset.

    Attributes:
        min_radius: smallest radius in pixels of the circle of equal area.
        min_distance, min_lightness: least contrast of figure and ground, as OKLab distance and lightness difference.
        texture: share of the variation within a texture that is painted; 0 leaves its mean colour.
        noise: standard deviation of Gaussian pixel noise, on the scale from 0 to 1.
    """

    min_radius: float
    min_distance: float
    min_lightness: float
    texture: float = 1.0
    noise: float = 0.0


PRESETS: Mapping[str, Difficulty] = {
    "easy": Difficulty(min_radius=6.5, min_distance=0.35, min_lightness=0.20),
    "standard": Difficulty(min_radius=4.0, min_distance=0.22, min_lightness=0.10),
    "hard": Difficulty(min_radius=4.0, min_distance=0.22, min_lightness=0.10, noise=0.035),
}
# Texture hides a figure that a plain colour shows, so the same step of difficulty needs larger figures and less of it.
TEXTURE_PRESETS: Mapping[str, Difficulty] = {
    "easy": Difficulty(min_radius=7.0, min_distance=0.30, min_lightness=0.15, texture=0.2),
    "standard": Difficulty(min_radius=6.5, min_distance=0.30, min_lightness=0.15, texture=0.35),
    "hard": Difficulty(min_radius=5.5, min_distance=0.30, min_lightness=0.15, texture=0.4),
}


def preset(name: str, presets: Mapping[str, Difficulty] = PRESETS) -> Difficulty:
    """The preset of that name; an unknown one raises ``UsageError``."""
    if name not in presets:
        raise UsageError(f"difficulty {name!r}: expected one of {', '.join(presets)}")
    return presets[name]
