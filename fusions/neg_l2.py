"""Negative Euclidean distance of the two embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class NegativeL2(Fusion):
    """Negative Euclidean distance: ``score = b - s sqrt(|u - v|^2 / D)`` with learned s and b, (B, D) twice -> (B,).

    The root has an epsilon: without it the gradient of an identical pair is not a number.
    """

    name, family, needs, symmetric = "neg_l2", "similarity", "embedding", True
    paper = "Hadsell et al., 2006, Dimensionality reduction by learning an invariant mapping"
    head = "score"

    def __init__(self, spec: FeatureSpec, scale: float = 4.0) -> None:
        super().__init__(out_dim=1)
        self.scale = nn.Parameter(torch.tensor(scale))
        # Unrelated embeddings of variance 1 are at distance sqrt(2): the threshold starts at 1.
        self.bias = nn.Parameter(torch.tensor(scale))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.bias - self.scale * ((a - b).square().mean(1) + 1e-6).sqrt()
