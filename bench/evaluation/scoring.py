"""Scores of a model on pairs, in one order or in both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import DivergedError
from bench.model import PairModel, ReadOut

BATCH = 256
T = TypeVar("T")


@dataclass(frozen=True)
class Scores:
    """Logits (N,) float32 of the pairs as (A, B) and as (B, A), and the cosine (N,) float32 of the encodings of (A, B);
    None where no image is encoded without the other."""

    scores: NDArray[np.float32]
    swapped: NDArray[np.float32]
    cosine: NDArray[np.float32] | None = None


def score_pairs(model: PairModel, a: Tensor, b: Tensor) -> NDArray[np.float32]:
    """Logits (N,) of the pairs as (A, B), in evaluation mode.

    Args:
        a, b: (N, ...) images, or encoded images where the model takes those.

    Raises:
        DivergedError: a score is not finite.
    """
    return _joined(_in_batches(model, a, b, model))


def read_pairs(model: PairModel, a: Tensor, b: Tensor) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
    """:func:`score_pairs`, and the cosines as in :class:`Scores`."""
    found = _in_batches(model, a, b, model.read_out)
    return _joined(one.scores for one in found), _cosine(found)


def score_both_orders(model: PairModel, a: Tensor, b: Tensor) -> Scores:
    """Score pairs as (A, B) and as (B, A); otherwise as :func:`read_pairs`."""
    found = _in_batches(model, a, b, model.both_orders)
    first = [one for one, _ in found]
    return Scores(_joined(one.scores for one in first), _joined(swapped for _, swapped in found), _cosine(first))


def moved_by(scores: NDArray[np.float32], offset: float) -> NDArray[np.float32]:
    """Scores less the offset above which they mean same, so that above 0 does."""
    # In float64, so that no score changes its side of a threshold that lies between two neighbours of float32.
    return (scores.astype(np.float64) - offset).astype(np.float32) if offset else scores


def _in_batches(model: PairModel, a: Tensor, b: Tensor, read: Callable[[Tensor, Tensor], T]) -> list[T]:
    model.eval()
    with torch.inference_mode(), model.casting():
        return [read(x, y) for x, y in zip(a.split(BATCH), b.split(BATCH), strict=True)]


def _cosine(found: Sequence[ReadOut]) -> NDArray[np.float32] | None:
    cosines = [one.cosine for one in found if one.cosine is not None]
    return _joined(cosines) if cosines else None


def _joined(parts: Iterable[Tensor]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = torch.cat(list(parts)).float().cpu().numpy()
    if not np.isfinite(found).all():
        raise DivergedError("a score on the evaluation pairs is not finite")
    return found
