"""Low-rank tensor fusion of the two embeddings."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class LowRankBilinear(Fusion):
    """Low-rank multimodal fusion: ``f = sum_r w_r (U_r [u; 1]) * (V_r [v; 1])``, (B, D) twice -> (B, width).

    The factors U and V are (rank, width, D + 1) parameters. ``shared=true`` ties U = V, which makes it symmetric.
    """

    name, family, needs, symmetric = "low_rank_bilinear", "bilinear", "embedding", False
    paper = "Liu et al., 2018, Efficient low-rank multimodal fusion with modality-specific factors"

    def __init__(self, spec: FeatureSpec, rank: int = 4, width: int = 64, shared: bool = False) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        scale = (spec.dim + 1) ** -0.5
        self.left = nn.Parameter(torch.randn(rank, width, spec.dim + 1) * scale)
        self.right = self.left if shared else nn.Parameter(torch.randn(rank, width, spec.dim + 1) * scale)
        self.weight = nn.Parameter(torch.full((rank,), rank**-0.5))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        left = torch.einsum("bd,rkd->brk", F.pad(a, (0, 1), value=1.0), self.left)
        right = torch.einsum("bd,rkd->brk", F.pad(b, (0, 1), value=1.0), self.right)
        return torch.einsum("brk,r->bk", left * right, self.weight)
