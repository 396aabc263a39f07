"""Encoded images as vectors, for whatever is trained on single images."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.model import PairModel


def pooled(encoded: Tensor) -> Tensor:
    """Encoded images as vectors (B, D): embeddings as they are, maps (B, D, H, W) and tokens (B, L, D) as the mean over
    positions."""
    if encoded.ndim == 4:
        return encoded.mean((2, 3))
    return encoded.mean(1) if encoded.ndim == 3 else encoded


def width(model: PairModel, images: Tensor) -> int:
    """D of the pooled encodings that ``model`` makes of ``images``; the model stays in its mode and as it was."""
    training = model.training
    model.eval()
    with torch.no_grad():
        found = pooled(model.encode(images[:1])).shape[1]
    model.train(training)
    return found
