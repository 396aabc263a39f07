"""Equivalence: whether a difference is smaller than a margin, which the absence of significance does not show."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

Array = NDArray[np.float64]


def equivalence_p(differences: Array, margin: float) -> Array:
    """p values (...,) of two one-sided paired t tests of ``differences`` (..., blocks) against ``±margin``.

    Small where the mean lies within the margin on both sides (Schuirmann, 1987, A comparison of the two one-sided tests
    procedure and the power approach). Needs at least two blocks; nan with fewer.
    """
    n = differences.shape[-1]
    if n < 2:
        return np.full(differences.shape[:-1], np.nan)
    room = margin - np.abs(differences.mean(axis=-1))
    error = differences.std(axis=-1, ddof=1) / np.sqrt(n)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = stdtr(n - 1, -room / error)
    # Without any spread the mean is known: inside the margin or not.
    return np.asarray(np.where(error > 0, p, np.where(room > 0, 0.0, 1.0)))
