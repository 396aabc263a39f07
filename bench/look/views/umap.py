"""Encodings in two dimensions in which neighbours stay neighbours."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np

from bench.look.contract import Picture, View, register_view, within
from bench.look.subject import Scored, Subject
from bench.look.views.embeddings import encoded_images, flat_pictures
from bench.plots.contract import NothingToDrawError


@register_view
class Umap(View):
    """UMAP of the encodings of single images (McInnes et al., 2018), by class and by group.

    Args:
        neighbours: of each image that stay near it.
    """

    name = "umap"

    def __init__(self, neighbours: int = 15) -> None:
        self._neighbours = within(type(self), "neighbours", neighbours, 2, 200)

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        encoded = encoded_images(subject)
        if np.ptp(encoded.vectors, axis=0).max() == 0:
            raise NothingToDrawError("all encodings are the same")
        flat = umap(encoded.vectors, min(self._neighbours, len(encoded.vectors) - 1))
        yield from flat_pictures(subject, encoded, flat, "UMAP", f"UMAP of {self._neighbours} neighbours by the cosine")


def umap(vectors: Scored, neighbours: int) -> Scored:
    """Vectors (N, D) in two dimensions (N, 2).

    Raises:
        NothingToDrawError: umap-learn is not installed.
    """
    with warnings.catch_warnings():
        # Of its own threads and of TensorFlow, which nobody asked for.
        warnings.simplefilter("ignore")
        try:
            from umap.umap_ import UMAP
        except ImportError:
            raise NothingToDrawError("UMAP needs umap-learn; get it with pip install 'fusebench[look]'") from None
        found: Scored = UMAP(n_neighbors=neighbours, metric="cosine", random_state=0).fit_transform(vectors)
    return found
