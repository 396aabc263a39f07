"""Signs of collapse: embeddings or scores that no longer depend on the images."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

SCORE_STD_ALARM = 1e-4
EMBEDDING_STD_ALARM = 0.05


def embedding_std(embeddings: Tensor) -> float:
    """Mean deviation of the L2-normalised embeddings (N, D) times sqrt(D): near 1 when healthy, 0 when collapsed.

    Chen & He, 2021, Exploring simple siamese representation learning.
    """
    normalised = F.normalize(embeddings.flatten(1).float(), dim=1)
    return float(normalised.std(0).mean() * math.sqrt(normalised.shape[1]))


def effective_rank(embeddings: Tensor) -> float:
    """exp of the entropy of the normalised singular values of the centred embeddings (N, D). Roy & Vetterli, 2007."""
    flat = embeddings.flatten(1).float()
    values = torch.linalg.svdvals(flat - flat.mean(0))
    share = values / values.sum().clamp_min(1e-12)
    return float(torch.exp(-(share * share.clamp_min(1e-12).log()).sum()))


def collapse_reason(scores: NDArray[np.float32], embedding_std: float | None) -> str | None:
    """One sentence that says why a trained model counts as collapsed, or None."""
    spread = float(np.std(scores))
    if spread < SCORE_STD_ALARM:
        return f"all scores are the same (standard deviation {spread:.1e}): the model ignores the images"
    if embedding_std is not None and embedding_std < EMBEDDING_STD_ALARM:
        return f"all embeddings point the same way (normalised deviation {embedding_std:.3f}, healthy is near 1)"
    return None
