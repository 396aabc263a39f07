"""The best matches of images among others: each image is encoded once where the fusion allows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.evaluation.scoring import BATCH
from bench.models.restore import StoredModel
from bench.training.pairs import FrozenModel


@dataclass(frozen=True, eq=False)
class Matches:
    """Pairs that were found: the places (M,) of both images, A by A and of each the best first, and their scores."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    scores: NDArray[np.float32]


def best_matches(model: StoredModel, a: Tensor, b: Tensor, top: int, own: Sequence[int | None]) -> Matches:
    """For each image of A the ``top`` ones of B, (N, C, H, W) uint8 each; of equals the earlier one.

    Args:
        own: for each image of A its place in B, where it is left out; None where it is not in B.

    Raises:
        UsageError: a score is not finite.
    """
    of_one = _scorer(model, a, b)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    for number, place in enumerate(own):
        scores = of_one(number)
        order = np.argsort(-scores, kind="stable")
        chosen = order[order != place][:top] if place is not None else order[:top]
        found.append((np.full(len(chosen), number), chosen, scores[chosen]))
    firsts, seconds, scores_ = zip(*found, strict=True)
    return Matches(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(scores_))


def _scorer(model: StoredModel, a: Tensor, b: Tensor) -> Callable[[int], NDArray[np.float32]]:
    """Scores (M,) of an image of A, by its place, with each of B."""
    network = model.model
    if not network.encodes_separately:
        return lambda number: model.scores(a[number].expand(len(b), -1, -1, -1), b)
    u, v = (torch.cat(list(_encoded(model, side))) for side in (a, b))
    subject = FrozenModel(network)
    return lambda number: model.scores_by(subject, u[number].expand(len(v), *u.shape[1:]), v)


def _encoded(model: StoredModel, images: Tensor) -> Iterator[Tensor]:
    for part in images.split(BATCH):
        with torch.inference_mode(), model.model.casting():
            yield model.model.encode(part)
