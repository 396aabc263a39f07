"""Multimodal factorised bilinear pooling and its high-order cascade."""

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, register

from .power_norm import power_norm


@register
class FactorisedBilinear(Fusion):
    """Factorised bilinear pooling: ``f = norm(sum_r U_r u * U_r v)``, (B, D) twice -> (B, order width).

    ``norm`` is the signed square root, then the length. With ``order`` > 1 it is MFH: block o multiplies its products
    ``U_o u * U_o v`` by those of block o - 1 before the sum, and f joins all blocks. ``shared=false`` is the form of
    the papers, with projections of its own for the second image.
    """

    name, family, needs, symmetric = "mfb", "bilinear", "embedding", True
    paper = "Yu et al., 2017, Multi-modal factorized bilinear pooling (MFB); Yu et al., 2018, Beyond bilinear (MFH)"

    def __init__(self, spec: FeatureSpec, rank: int = 4, width: int = 64, order: int = 1, shared: bool = True) -> None:
        if order < 1:
            raise UsageError(f"mfb: order must be at least 1, got {order}")
        super().__init__(out_dim=order * width)
        self.symmetric = shared
        self.rank = rank
        self.left = nn.ModuleList(nn.Linear(spec.dim, rank * width) for _ in range(order))
        self.right = self.left if shared else nn.ModuleList(nn.Linear(spec.dim, rank * width) for _ in range(order))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        product, blocks = 1.0, []
        for left, right in zip(self.left, self.right, strict=True):
            product = product * left(a) * right(b)
            blocks.append(power_norm(product.unflatten(1, (self.rank, -1)).sum(1)))
        return torch.cat(blocks, dim=1)
