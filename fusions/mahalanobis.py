"""Learned Mahalanobis distance of the two embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Mahalanobis(Fusion):
    """Learned metric: ``score = b - |L (u - v)|^2`` with learned L (rank, D) and b, (B, D) twice -> (B,).

    ``L' L`` is a metric of at most ``rank`` dimensions; it is its own scale.
    """

    name, family, needs, symmetric = "mahalanobis", "similarity", "embedding", True
    paper = "Xing et al., 2003, Distance metric learning; Weinberger & Saul, 2009"
    head = "score"

    def __init__(self, spec: FeatureSpec, rank: int = 32, bias: float = 4.0) -> None:
        super().__init__(out_dim=1)
        # Unrelated embeddings of variance 1 start at twice the bias, so at score -bias.
        self.metric = nn.Parameter(torch.randn(rank, spec.dim) * (bias / (rank * spec.dim)) ** 0.5)
        self.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.bias - ((a - b) @ self.metric.T).square().sum(1)
