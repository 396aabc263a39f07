"""Principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Principal:
    """The first two principal components of some vectors.

    Attributes:
        mean: (D,) of the vectors.
        axes: (D, 2), of length 1; 0 where the vectors have fewer dimensions.
        share: of their variance that lies along the two.
    """

    mean: Numbers
    axes: Numbers
    share: float

    @classmethod
    def of(cls, vectors: NDArray[np.floating]) -> Principal:
        """Those of vectors (N, D). The largest number along each is positive: a decomposition leaves its sign open."""
        mean = vectors.mean(0, dtype=np.float64)
        centred = vectors.astype(np.float64) - mean
        u, s, rows = np.linalg.svd(centred, full_matrices=False)
        flat = u[:, :2] * s[:2]
        axes = rows[:2].T * np.sign(flat[np.abs(flat).argmax(0), np.arange(flat.shape[1])] + 0.0)
        axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
        total = float((s**2).sum())
        return cls(mean, axes, float((s[:2] ** 2).sum()) / total if total else 1.0)

    def flat(self, vectors: NDArray[np.floating]) -> Numbers:
        """Vectors (..., D) along the two components, (..., 2)."""
        found: Numbers = (vectors.astype(np.float64) - self.mean) @ self.axes
        return found
