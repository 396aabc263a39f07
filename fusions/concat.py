"""Concatenation of the two embeddings."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class Concat(Fusion):
    """Siamese with a decision network: ``f = [u; v]``, (B, D) twice -> (B, 2D), followed by the MLP head.

    The head must learn equality from examples. Without its hidden layer the join is additive and cannot express it: see
    ``concat_linear``.
    """

    name, family, needs, symmetric = "concat", "embedding", "embedding", False
    paper = "Zagoruyko & Komodakis, 2015 (siamese); Han et al., 2015, MatchNet"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=2 * spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1)
