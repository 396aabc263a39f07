"""How well classes are told: class-balanced top-k accuracies with intervals, and confusion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.stats.intervals import LEVEL

Array = NDArray[np.float64]
Index = NDArray[np.int64]

DRAWS = 1_000
FEWEST_CLUSTERS = 5  # with fewer an interval is far too short
# Probabilities that differ by less are one: trees are added up in another order by other threads.
DIGITS = 9


@dataclass(frozen=True)
class Share:
    """A share with the ends of its bootstrap interval, nan where there is none."""

    value: float
    low: float
    high: float


def top_hits(scores: Array, label: Index, k: int) -> Array:
    """Share (N,) of a hit: 1 where the true class is among the ``k`` of the highest score, 0 where not. Classes that
    tie for the last of these places share them, so that the order of classes says nothing.

    Args:
        scores: (N, K). label: (N,), column of the true class.
    """
    shown = np.round(scores.astype(float), DIGITS)
    own = np.take_along_axis(shown, label[:, None], 1)
    above, tied = (shown > own).sum(1), (shown == own).sum(1)
    return np.clip((k - above) / tied, 0.0, 1.0)


class Balanced:
    """Means over images in which all classes weigh alike, with intervals from one bootstrap for all of them.

    Whole clusters are drawn, such as all images by one hand; single images where no groups are known. Differences of
    two means over the same images are paired.

    Args:
        label: (N,) class of each image. groups: (N,) its group, or None.
    """

    def __init__(self, label: Index, groups: Index | None, seed: int = 0) -> None:
        clusters = np.arange(len(label)) if groups is None else np.unique(groups, return_inverse=True)[1]
        self._classes = np.unique(label, return_inverse=True)[1]
        self._shape = int(clusters.max()) + 1, int(self._classes.max()) + 1
        self._cell = clusters * self._shape[1] + self._classes
        rng = np.random.Generator(np.random.Philox(key=seed))
        size = self._shape[0]
        drawn = DRAWS if size >= FEWEST_CLUSTERS else 0
        self._times = rng.multinomial(size, np.full(size, 1 / size), size=drawn).astype(float)
        self._count = self._by_cluster(np.ones(len(label)))

    def share(self, values: Array) -> Share:
        """The balanced mean of ``values`` (N,) and its interval."""
        sums = self._by_cluster(values)
        value = float((sums.sum(0) / self._count.sum(0)).mean())
        if not len(self._times):
            return Share(value, np.nan, np.nan)
        with np.errstate(invalid="ignore"):
            drawn = np.nanmean((self._times @ sums) / (self._times @ self._count), axis=1)
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return Share(value, float(low), float(high))

    def _by_cluster(self, values: Array) -> Array:
        """Sums (clusters, classes)."""
        clusters, classes = self._shape
        sums: Array = np.bincount(self._cell, values, minlength=clusters * classes).astype(float)
        return sums.reshape(clusters, classes)


def confusion(predicted: Index, label: Index, classes: int) -> Index:
    """How often each true class (row) was taken for each class (column), (K, K)."""
    return np.bincount(label * classes + predicted, minlength=classes**2).reshape(classes, classes)
