"""Tucker decomposition of a bilinear join whose core has low rank."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Mutan(Fusion):
    """MUTAN: ``f = sum_r (M_r p) * (M_r q)`` with ``p = tanh(P u)``, ``q = tanh(P v)``, (B, D) twice -> (B, width).

    A Tucker decomposition whose core is a sum of ``rank`` slices of rank 1; ``tucker`` has the full core.
    ``shared=false`` is the form of the paper: a projection and factors N_r of its own for the second image.
    """

    name, family, needs, symmetric = "mutan", "bilinear", "embedding", True
    paper = "Ben-younes et al., 2017, MUTAN: multimodal Tucker fusion for visual question answering"

    def __init__(
        self, spec: FeatureSpec, rank: int = 4, projected: int = 64, width: int = 64, shared: bool = True
    ) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, projected)
        self.right = self.left if shared else nn.Linear(spec.dim, projected)
        self.left_factors = nn.Parameter(torch.randn(rank, width, projected) * projected**-0.5)
        self.right_factors = (
            self.left_factors if shared else nn.Parameter(torch.randn(rank, width, projected) * projected**-0.5)
        )

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        left = torch.einsum("bi,rki->brk", self.left(a).tanh(), self.left_factors)
        right = torch.einsum("bi,rki->brk", self.right(b).tanh(), self.right_factors)
        return (left * right).sum(1)
