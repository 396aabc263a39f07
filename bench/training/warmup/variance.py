"""How much of what varies a prediction accounts for."""

from __future__ import annotations

from torch import Tensor


def explained_variance(outputs: Tensor, target: Tensor) -> float:
    """``1 - MSE / variance`` with the variance of all columns about their means over the rows: 0 for one that always
    answers with the mean, 1 for one that makes no error."""
    error = (outputs - target).square().mean()
    spread = (target - target.mean(0)).square().mean()
    return float(1 - error / spread)
