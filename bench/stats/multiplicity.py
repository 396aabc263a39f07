"""Several tests at once: p values that control the chance of any false alarm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def holm(p: Sequence[float]) -> NDArray[np.float64]:
    """Adjusted p values in the given order (Holm, 1979, A simple sequentially rejective multiple test procedure).

    Rejecting where the adjusted value is at most alpha makes any false rejection at most that likely, whatever the
    dependence between the tests. A nan is a test that was not made: it stays nan and does not count.
    """
    values = np.asarray(p, dtype=float)
    adjusted = np.full(values.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(values))
    order = tested[np.argsort(values[tested], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(values[order] * steps), 1.0)
    return adjusted
