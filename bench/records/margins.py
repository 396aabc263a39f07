"""Margins: which differences are of no interest, as the configuration of a run declared before it started."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from bench.errors import UsageError

Name = Literal["equivalence_margin", "gate_margin"]
MARGIN = 0.01  # where nothing was declared: one point


def checked(points: float) -> float:
    """A margin in points as a share of 1.

    Raises:
        UsageError: it is not more than 0, or more than all.
    """
    if not 0 < points <= 100:
        raise UsageError(f"--margin {points:g}: expected more than 0 points, and 100 at most")
    return points / 100


def margin_of(headers: Iterable[Mapping[str, Any]], name: Name) -> float:
    """The margin that runs declare under a key of their configuration, as a share: a hundredth of its points.

    Args:
        headers: of the runs together; one without the key declares one point.

    Raises:
        UsageError: they declare different ones, or something that is not a number.
    """
    configs = (header.get("config") for header in headers)
    declared = [config.get(name, 100 * MARGIN) if isinstance(config, Mapping) else 100 * MARGIN for config in configs]
    for value in declared:
        if not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise UsageError(f"run.json: {name} {value!r} is not a number of points; give --margin")
    found = set(declared)
    if len(found) > 1:
        points = " and ".join(f"{value:g}" for value in sorted(found))
        raise UsageError(f"the runs declare different values of {name}: {points} points; give --margin")
    return float(next(iter(found), 100 * MARGIN)) / 100
