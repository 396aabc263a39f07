"""What every metric must do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.conformance.cases import CheckFailedError
from bench.metrics import SHARE, Metric, Scored

N = 64


def _cases() -> Iterator[tuple[str, Scored]]:
    random, label = np.random.default_rng(0), np.arange(N) % 2
    sign = np.where(label == 1, 1.0, -1.0)
    for what, scores in (
        ("random", random.normal(size=N)),
        ("equal", np.zeros(N)),
        ("perfect", 9 * sign),
        ("reversed", -9 * sign),
        ("huge", 1e4 * random.normal(size=N)),
    ):
        # What joins the images before it encodes them has no cosine.
        cosine = None if what == "equal" else random.uniform(-1, 1, N)
        yield what, Scored(label, scores, random.permutation(scores), 0.25, -0.25, cosine, 0.1)


def finite_value(metric: Metric) -> None:
    """The value is one number for random, equal, perfect, reversed and huge scores: finite, or nan for undefined."""
    for what, scored in _cases():
        value = metric.compute(scored)
        if np.ndim(value) or math.isinf(float(value)):
            raise CheckFailedError(f"{what} scores give {value!r}, expected a finite number, or nan where undefined")


def in_range(metric: Metric) -> None:
    """A metric whose unit is ``SHARE`` stays between 0 and 1."""
    for what, scored in _cases():
        value = float(metric.compute(scored))
        if metric.unit == SHARE and not math.isnan(value) and not -1e-9 <= value <= 1 + 1e-9:
            raise CheckFailedError(f"{what} scores give {value:.4g}, which is not a share: state its unit, or scale it")


def any_order(metric: Metric) -> None:
    """The order of the pairs does not matter."""
    _, scored = next(_cases())
    order = np.random.default_rng(1).permutation(N)
    sides = ("label", "scores", "swapped", "cosine")
    moved = replace(scored, **{side: getattr(scored, side)[order] for side in sides})
    values = [float(metric.compute(one)) for one in (scored, moved)]
    if not np.allclose(values[0], values[1], equal_nan=True):
        raise CheckFailedError(f"it is {values[0]:.6g}, and {values[1]:.6g} for the same pairs in another order")
