"""Objectives: what training minimises, from scores and labels."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def bce(scores: Tensor, label: Tensor) -> Tensor:
    """Binary cross-entropy on logits, with "same" and "different" weighted alike.

    Args:
        scores: (B,) logits. The sigmoid is in here; a fusion must not apply one.
        label: (B,) int64, 1 for same.
    """
    target = label.to(scores.dtype)
    same = target.mean().clamp(1 / (2 * len(target)), 1 - 1 / (2 * len(target)))
    weight = target / (2 * same) + (1 - target) / (2 * (1 - same))
    return F.binary_cross_entropy_with_logits(scores, target, weight=weight)
