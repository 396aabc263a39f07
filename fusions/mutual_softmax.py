"""Mutual softmax: how far two tokens choose each other."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .token_similarity import TokenSimilarity


@register
class MutualSoftmax(Fusion):
    """Dual-softmax matching: ``M = softmax_j(s C) * softmax_i(s C)`` with a learned inverse temperature s,
    (B, L, D) twice -> (B, 2L).

    C is the cosine of projected tokens; ``M_ij`` is near 1 where i and j are each other's only choice. The readout is
    how much of each token is matched, ``sum_j M_ij`` and ``sum_j M_ij C_ij``, sorted and averaged over both images.
    """

    name, family, needs, symmetric = "mutual_softmax", "matching", "tokens", True
    paper = "Sun et al., 2021, LoFTR; Rocco et al., 2018"

    def __init__(self, spec: FeatureSpec, width: int = 64, scale: float = 10.0) -> None:
        super().__init__(out_dim=2 * spec.tokens)
        self.similarity = TokenSimilarity(spec.token_dim, width)
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        similarity = self.similarity(a, b)
        logits = self.scale * similarity
        match = logits.softmax(2) * logits.softmax(1)
        return torch.cat([_matched(match), _matched(match * similarity)], dim=1)


def _matched(weights: Tensor) -> Tensor:
    """Row and column sums of (B, L, L), sorted and averaged: (B, L)."""
    return (weights.sum(2).sort(1).values + weights.sum(1).sort(1).values) / 2
