"""The first test pairs, as they come."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bench.look.contract import Picture, View, register_view, within
from bench.look.panels import draw_pairs
from bench.look.subject import Subject


@register_view
class Predictions(View):
    """The first test pairs with their classes, scores and calibrated probabilities, and whether it is right.

    Args:
        most: pairs that are shown.
    """

    name = "predictions"

    def __init__(self, most: int = 12) -> None:
        self._most = within(type(self), "most", most, 1)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        rows = np.arange(min(self._most, len(subject.pairs)))
        text = f"The first test pairs, not chosen; {subject.right.mean():.1%} of all {len(subject.pairs):,} are right."
        yield Picture("Predictions", text, draw_pairs(subject, "Predictions", rows, marked=True))
