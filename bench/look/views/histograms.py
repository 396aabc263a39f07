"""How scores and cosines of same and of different pairs lie."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bench.look.contract import WIDTH, Picture, View, register_view, within
from bench.look.subject import Scored, Subject
from bench.plots.scores import draw_histograms
from bench.plots.style import GREY, new_figure


@register_view
class Histograms(View):
    """Histograms of the scores of same and different pairs, and of the cosines of their encodings.

    Args:
        bins: of each histogram.
    """

    name = "histograms"

    def __init__(self, bins: int = 39) -> None:
        self._bins = within(type(self), "bins", bins, 1)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        threshold = subject.stored.card.threshold
        text = (
            f"Right of 0 (dashed) the model says same; the F1 of the validation pairs is best above {threshold:z.3g} "
            "(dotted)."
        )
        yield self._picture(subject, "Scores", subject.scores, {0.0: "--", threshold: ":"}, text)
        if subject.cosine is not None:
            text = "Cosines of the encodings of A and B, before any head: what the encoder alone can tell apart."
            yield self._picture(subject, "Cosines", subject.cosine, {}, text)

    def _picture(self, subject: Subject, title: str, values: Scored, lines: dict[float, str], text: str) -> Picture:
        figure = new_figure(WIDTH, 2.6, title)
        axis = figure.subplots()
        draw_histograms(axis, values.astype(np.float64), subject.label.astype(np.float64), self._bins)
        for at, style in lines.items():
            axis.axvline(at, color=GREY, linewidth=1, linestyle=style)
        axis.legend(frameon=False, fontsize=8)
        return Picture(title, text, figure)
