"""Scores of a model on pairs, in both orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import DivergedError
from bench.model import PairModel

BATCH = 256


@dataclass(frozen=True)
class Scores:
    """Logits (N,) float32 of the pairs as (A, B) and as (B, A)."""

    scores: NDArray[np.float32]
    swapped: NDArray[np.float32]


def score_pairs(model: PairModel, a: Tensor, b: Tensor) -> Scores:
    """Score pairs in evaluation mode.

    Args:
        a, b: (N, ...) images, or encoded images where the model takes those.

    Raises:
        DivergedError: a score is not finite.
    """
    model.eval()
    first, second = [], []
    with torch.inference_mode(), model.casting():
        for x, y in zip(a.split(BATCH), b.split(BATCH), strict=True):
            forward, backward = model.both_orders(x, y)
            first.append(forward)
            second.append(backward)
    scores, swapped = (torch.cat(parts).float().cpu().numpy() for parts in (first, second))
    if not (np.isfinite(scores).all() and np.isfinite(swapped).all()):
        raise DivergedError("a score on the evaluation pairs is not finite")
    return Scores(scores, swapped)
