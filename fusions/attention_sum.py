"""Attention-weighted sum of the two embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class AttentionSum(Fusion):
    """Attention-weighted sum: ``f = alpha W u + (1 - alpha) W v`` with ``[alpha, 1 - alpha] = softmax([w u, w v])``,
    (B, D) twice -> (B, width).

    A convex mix of the two codes hides their difference, the more the farther alpha is from 1/2: w starts at 0, and f
    as the mean. ``shared=false`` gives each image its own W and w.
    """

    name, family, needs, symmetric = "attention_sum", "embedding", "embedding", True
    paper = "Yang et al., 2016, Hierarchical attention networks; TorchMultimodal's AttentionFusionModule"

    def __init__(self, spec: FeatureSpec, width: int = 128, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, width)
        self.right = self.left if shared else nn.Linear(spec.dim, width)
        self.weigh_left = nn.Linear(spec.dim, 1, bias=False)
        self.weigh_right = self.weigh_left if shared else nn.Linear(spec.dim, 1, bias=False)
        for weigh in (self.weigh_left, self.weigh_right):
            nn.init.zeros_(weigh.weight)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        alpha = torch.cat([self.weigh_left(a), self.weigh_right(b)], dim=1).softmax(dim=1)
        return alpha[:, :1] * self.left(a) + alpha[:, 1:] * self.right(b)
