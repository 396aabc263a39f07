"""Scaled cosine similarity of the two embeddings."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class Cosine(Fusion):
    """Scaled cosine: ``score = s cos(u, v) + b`` with learned s and b, (B, D) twice -> (B,).

    Without the scale the loss cannot fall below 0.31 on same pairs; without the bias the threshold sits at cosine 0.
    """

    name, family, needs, symmetric = "cosine", "similarity", "embedding", True
    paper = "Bromley et al., 1993; Wang et al., 2017, NormFace"
    head = "score"

    def __init__(self, spec: FeatureSpec, scale: float = 8.0) -> None:
        super().__init__(out_dim=1)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.scale * F.cosine_similarity(a, b, dim=1, eps=1e-6) + self.bias
