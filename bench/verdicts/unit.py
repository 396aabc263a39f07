"""How differences in a metric are written: in points where it is a share."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.metrics import METRICS, SHARE
from bench.text import MISSING


@dataclass(frozen=True)
class Unit:
    """Differences are written times ``scale``, with ``digits`` after the point, before ``name``."""

    scale: int
    digits: int
    name: str

    def signed(self, value: float) -> str:
        """A difference with its sign, without the name of the unit; a dash for nan."""
        return MISSING if math.isnan(value) else f"{value * self.scale:+.{self.digits}f}"

    def size(self, value: float) -> str:
        """The size of a difference, without the name of the unit; a dash for nan."""
        return MISSING if math.isnan(value) else f"{value * self.scale:.{self.digits}f}"

    def short(self, value: float) -> str:
        """A size as short as possible, with the name: ``1 point``, ``2.5 points``."""
        text = f"{value * self.scale:.3g}"
        return f"{text}{self.name.removesuffix('s') if text == '1' and self.scale == 100 else self.name}"


def unit_of(metric: str) -> Unit:
    """How differences in a metric are written: in points where it is a share."""
    return Unit(100, 2, " points") if METRICS.get(metric).unit == SHARE else Unit(1, 3, f" in {metric}")
