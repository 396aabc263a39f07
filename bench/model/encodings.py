"""Encoded images as vectors, for whatever is trained on single images or compares two."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def pooled(encoded: Tensor) -> Tensor:
    """Encoded images as vectors (B, D): embeddings as they are, maps (B, D, H, W) and tokens (B, L, D) as the mean over
    positions."""
    if encoded.ndim == 4:
        return encoded.mean((2, 3))
    return encoded.mean(1) if encoded.ndim == 3 else encoded


def cosine(u: Tensor, v: Tensor) -> Tensor:
    """Cosine (B,) of the pooled encodings of A and of B, in float32."""
    return F.cosine_similarity(pooled(u).float(), pooled(v).float(), dim=1)
