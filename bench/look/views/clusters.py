"""Whether encodings form as many clusters as there are classes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from bench.look.contract import WIDTH, Picture, View, register_view
from bench.look.subject import Rows, Scored, Subject
from bench.look.views.embeddings import encoded_images
from bench.plots.contract import NothingToDrawError
from bench.plots.style import BLUE, GREY, ORANGE, new_figure


@register_view
class Clusters(View):
    """Clusters of the encodings of single images: the silhouette over their number, beside the number of classes."""

    name = "clusters"

    def pictures(self, subject: Subject) -> Iterable[Picture]:
        if not subject.domain.names_images:
            raise NothingToDrawError(f"images of {subject.name} have no classes, only pairs have labels")
        encoded = encoded_images(subject)
        vectors, classes = unit(encoded.vectors), encoded.classes
        known = len(np.unique(classes))
        found = silhouettes(vectors, numbers(known, len(vectors)))
        if not found:
            raise NothingToDrawError("all encodings are the same: there is one cluster")
        best = max(found, key=lambda k: found[k][0])
        figure = new_figure(WIDTH, 2.8, "Silhouette over the number of clusters")
        axis = figure.subplots()
        axis.plot(list(found), [value for value, _ in found.values()], "o-", color=BLUE, markersize=4)
        axis.axvline(known, color=ORANGE, linestyle="--", label=f"{known} classes")
        axis.set_xlabel("clusters", fontsize=8)
        axis.set_ylabel("mean silhouette", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(color=GREY, alpha=0.2)
        axis.legend(frameon=False, fontsize=8)
        text = (
            f"k-means on {len(vectors):,} encodings of length 1: the silhouette is largest for {best} clusters "
            f"({found[best][0]:.2f}); there are {known} classes. " + agreement(found, known, classes)
        )
        yield Picture("Clusters", text, figure)


def unit(vectors: Scored) -> Scored:
    """Vectors (N, D) of length 1."""
    found: Scored = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found


def numbers(classes: int, images: int) -> list[int]:
    """Numbers of clusters that are tried: up to twice the classes, and the classes themselves."""
    tried = {*np.geomspace(2, max(10, 2 * classes), 12).round().astype(int).tolist(), classes}
    return sorted(k for k in tried if 2 <= k < images)


def silhouettes(vectors: Scored, tried: Iterable[int]) -> dict[int, tuple[float, Rows]]:
    """For each number of clusters of vectors (N, D) the mean silhouette (Rousseeuw, 1987), and the clusters (N,)."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    distinct = len(np.unique(vectors, axis=0))
    found = {}
    for k in tried:
        if k < distinct:
            clusters = KMeans(k, n_init=4, random_state=0).fit_predict(vectors)
            found[k] = float(silhouette_score(vectors, clusters)), clusters
    return found


def agreement(found: dict[int, tuple[float, Rows]], known: int, classes: Rows) -> str:
    """How well as many clusters as there are classes agree with them."""
    from sklearn.metrics import adjusted_rand_score

    if known not in found:
        return ""
    index = adjusted_rand_score(classes, found[known][1])
    return (
        f"{known} clusters agree with the classes by an adjusted Rand index of {index:.2f} (1 is the same, 0 chance)."
    )
