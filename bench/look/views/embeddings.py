"""Encodings in two dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from bench.colouring import Colouring
from bench.errors import NotApplicableError
from bench.look.contract import WIDTH, Picture, View, register_view
from bench.look.subject import Encoded, Scored, Subject
from bench.plots.contract import NothingToDrawError
from bench.plots.style import COLORS, MARKERS, QUIET, new_figure
from bench.stats.principal import Principal
from bench.text import printable, shortened

Flat = NDArray[np.floating]
LEGEND = 12  # more names would hide the points
LONGEST = 24


@register_view
class Embeddings(View):
    """Encodings of single images on their two principal components, by class and by group."""

    name = "embeddings"

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        encoded = encoded_images(subject)
        flat, share = pca(encoded.vectors)
        yield from flat_pictures(
            subject, encoded, flat, "PCA", f"Two principal components, {share:.0%} of the variance"
        )


def encoded_images(subject: Subject) -> Encoded:
    """The encoded images of the first test pairs.

    Raises:
        NothingToDrawError: no image has an encoding of its own.
    """
    try:
        return subject.encoded
    except NotApplicableError as reason:
        raise NothingToDrawError(str(reason)) from None


def pca(vectors: Scored) -> tuple[Flat, float]:
    """The first two principal components (N, 2) of vectors (N, D), and their share of the variance."""
    found = Principal.of(vectors)
    return found.flat(vectors), found.share


def flat_pictures(subject: Subject, encoded: Encoded, flat: Flat, way: str, text: str) -> Iterator[Picture]:
    """Encodings in two dimensions (N, 2): a picture for each of their colourings."""
    count = f"{text}; {len(flat):,} images of the test pairs of {subject.name}."
    for colouring in encoded.colourings:
        yield _scatter(flat, colouring, f"{way} by {colouring.by}", count)


def _scatter(flat: Flat, colouring: Colouring, title: str, text: str) -> Picture:
    figure = new_figure(WIDTH, 3.6, title)
    axis = figure.subplots()
    present = np.unique(colouring.kinds)
    for place, kind in enumerate(present):
        own = flat[colouring.kinds == kind]
        axis.scatter(
            own[:, 0],
            own[:, 1],
            s=9,
            color=COLORS[place % len(COLORS)],
            marker=MARKERS[place // len(COLORS) % len(MARKERS)],
            alpha=0.6,
            linewidths=0,
            label=shortened(printable(colouring.names[kind]), LONGEST),
        )
    if len(present) <= LEGEND:
        figure.legend(loc="outside lower center", ncols=2, fontsize=7, frameon=False, markerscale=2)
    else:
        text += f" {len(present)} of them: colours and signs repeat."
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_color(QUIET)
    return Picture(title, text, figure)
