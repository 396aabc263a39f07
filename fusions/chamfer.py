"""Chamfer distance between the tokens of the two images."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Chamfer(Fusion):
    """Chamfer distance: ``score = b - s (mean_i min_j d_ij + mean_j min_i d_ij) / 2`` with learned s and b,
    (B, L, D) twice -> (B,).

    ``d_ij = |W (s_i - t_j)| / sqrt(width)`` over tokens of zero mean and unit variance. Unlike a cosine, the distance
    sees how long the projected tokens are.
    """

    name, family, needs, symmetric = "chamfer", "matching", "tokens", True
    paper = "Barrow et al., 1977, Chamfer matching; Fan et al., 2017"
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 64, scale: float = 8.0) -> None:
        super().__init__(out_dim=1)
        # A shift of all tokens cancels in the distance.
        self.norm = nn.LayerNorm(spec.token_dim, elementwise_affine=False)
        self.project = nn.Linear(spec.token_dim, width, bias=False)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(scale / 2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = self.project(self.norm(a)), self.project(self.norm(b))
        # By matrix product, |p|^2 + |q|^2 - 2 p q loses the small distances to rounding.
        distance = torch.cdist(p, q, compute_mode="donot_use_mm_for_euclid_dist") * p.shape[2] ** -0.5
        nearest = (distance.amin(2).mean(1) + distance.amin(1).mean(1)) / 2
        return self.bias - self.scale * nearest
