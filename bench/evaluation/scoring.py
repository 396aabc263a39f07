"""Scores of a model on pairs, in one order or in both."""

from __future__ import annotations

from collections.abc import Callable
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


def score_pairs(model: PairModel, a: Tensor, b: Tensor) -> NDArray[np.float32]:
    """Logits (N,) of the pairs as (A, B), in evaluation mode.

    Args:
        a, b: (N, ...) images, or encoded images where the model takes those.

    Raises:
        DivergedError: a score is not finite.
    """
    (scores,) = _in_batches(model, a, b, lambda x, y: (model(x, y),))
    return scores


def score_both_orders(model: PairModel, a: Tensor, b: Tensor) -> Scores:
    """Score pairs as (A, B) and as (B, A); otherwise as :func:`score_pairs`."""
    return Scores(*_in_batches(model, a, b, model.both_orders))


def _in_batches(
    model: PairModel, a: Tensor, b: Tensor, score: Callable[[Tensor, Tensor], tuple[Tensor, ...]]
) -> list[NDArray[np.float32]]:
    model.eval()
    with torch.inference_mode(), model.casting():
        batches = [score(x, y) for x, y in zip(a.split(BATCH), b.split(BATCH), strict=True)]
    found = [torch.cat(parts).float().cpu().numpy() for parts in zip(*batches, strict=True)]
    if not all(np.isfinite(scores).all() for scores in found):
        raise DivergedError("a score on the evaluation pairs is not finite")
    return found
