"""How classes lie that no classifier was trained on: retrieval, and clusters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from bench.probe.measures import Balanced, Share

Vectors = NDArray[np.float32]
Index = NDArray[np.int64]

CHUNK = 512
# Images that silhouettes and clusters are computed of, and clusters tried.
MOST_CLUSTERED, MOST_CLUSTERS = 1_500, 40


@dataclass(frozen=True)
class Retrieval:
    """How often the nearest images show the class of a query.

    Attributes:
        queries, classes: images with another one of their class to be found, and their classes.
        recall1, recall5: share of queries with one of their class among the nearest one and five.
        average_precision: mean over queries, in which classes weigh alike, as in the recalls.
        chance: recall at 1 of a random order.
    """

    queries: int
    classes: int
    recall1: Share
    recall5: Share
    average_precision: Share
    chance: float


@dataclass(frozen=True)
class Clusters:
    """How far classes are clusters.

    Attributes:
        silhouette: of the true classes, by cosine distance.
        by_k: silhouette of k-means by the number of clusters.
        classes: how many there are. agreement: adjusted Rand index of so many clusters with the classes.
    """

    silhouette: float
    by_k: Mapping[int, float]
    classes: int
    agreement: float

    @property
    def best_k(self) -> int:
        """The number of clusters of the largest silhouette."""
        return max(self.by_k, key=self.by_k.__getitem__)


def directions(vectors: Vectors, centre: Vectors) -> Vectors:
    """Unit vectors (N, D) from the ``centre`` (D,): without it encodings behind a ReLU all point the same way."""
    moved = vectors - centre
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def retrieve(directed: Vectors, label: Index, groups: Index | None) -> Retrieval | None:
    """Search for each image among all others by cosine; images of its own group are left out, as they are alike for
    other reasons. None where no image has another of its class to be found.

    Args:
        directed: (N, D) unit vectors. label: (N,) classes. groups: (N,), or None where they are not known.
    """
    own = np.arange(len(label)) if groups is None else groups
    asked, hits, chances = [], [], []
    for start in range(0, len(label), CHUNK):
        rows = np.arange(start, min(start + CHUNK, len(label)))
        allowed = own[rows, None] != own[None]
        relevant = (label[rows, None] == label[None]) & allowed
        there = relevant.any(1)
        if there.any():
            near = np.where(allowed, directed[rows] @ directed.T, -np.inf)[there]
            hits.append(_hits(near, relevant[there]))
            chances.append((relevant.sum(1) / np.maximum(allowed.sum(1), 1))[there])
            asked.append(rows[there])
    if not asked:
        return None
    queries, found = np.concatenate(asked), np.concatenate(hits)
    balanced = Balanced(label[queries], None if groups is None else groups[queries])
    recall1, recall5, precision = (balanced.share(column) for column in found.T)
    chance = balanced.share(np.concatenate(chances)).value
    return Retrieval(len(queries), len(np.unique(label[queries])), recall1, recall5, precision, chance)


def _hits(near: NDArray[np.float32], relevant: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Recall at 1, at 5 and average precision (B, 3) of queries with at least one relevant image (B, N)."""
    order = np.argsort(-near, axis=1, kind="stable")
    ranked = np.take_along_axis(relevant, order, 1)
    at = np.arange(1, ranked.shape[1] + 1)
    precision = (ranked * (ranked.cumsum(1) / at)).sum(1) / ranked.sum(1)
    return np.stack([ranked[:, 0], ranked[:, :5].any(1), precision], axis=1).astype(float)


def cluster(directed: Vectors, label: Index, seed: int) -> Clusters | None:
    """Silhouettes of the classes and of k-means over numbers of clusters; None for less than two classes or where
    most images stand alone.

    Args:
        directed: (N, D) unit vectors, of which the first are taken. label: (N,) classes.
    """
    x, y = directed[:MOST_CLUSTERED], np.unique(label[:MOST_CLUSTERED], return_inverse=True)[1]
    classes = int(y.max()) + 1
    if classes < 2 or len(y) < 2 * classes:
        return None
    tried = sorted({k for k in (*_around(classes), classes) if 2 <= k < len(y)})
    found = {k: KMeans(k, n_init=3, random_state=seed).fit_predict(x) for k in tried}
    by_k = {k: _silhouette(x, own) for k, own in found.items()}
    return Clusters(_silhouette(x, y), by_k, classes, float(adjusted_rand_score(y, found[classes])))


def _silhouette(x: Vectors, own: Index) -> float:
    """By cosine distance; the lowest there is where encodings that are all one make a single cluster."""
    return float(silhouette_score(x, own, metric="cosine")) if len(np.unique(own)) > 1 else -1.0


def _around(classes: int) -> list[int]:
    """Numbers of clusters up to twice as many as there are classes, about ten of them."""
    most = min(2 * classes, MOST_CLUSTERS)
    return sorted({round(k) for k in np.linspace(2, max(most, 4), 11)})
