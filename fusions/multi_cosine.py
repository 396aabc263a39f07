"""Cosine similarity of the two embeddings from several perspectives."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class MultiCosine(Fusion):
    """Multi-perspective cosine: ``f_k = cos(w_k * u, w_k * v)``, (B, D) twice -> (B, perspectives).

    Each perspective weighs the dimensions by its own w_k before it compares.
    """

    name, family, needs, symmetric = "multi_cosine", "similarity", "embedding", True
    paper = "Wang et al., 2017, Bilateral multi-perspective matching for natural language sentences (BiMPM)"

    def __init__(self, spec: FeatureSpec, perspectives: int = 32) -> None:
        super().__init__(out_dim=perspectives)
        self.weight = nn.Parameter(torch.randn(perspectives, spec.dim))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        weight = self.weight.square().T
        length_a, length_b = ((side.square() @ weight + 1e-10).sqrt() for side in (a, b))
        return (a * b) @ weight / (length_a * length_b)
