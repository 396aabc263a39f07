"""Two towers that share no weights."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class PseudoSiamese(Fusion):
    """Unshared encoders: ``f = [u; v]`` with ``u = g_A(a)``, ``v = g_B(b)``, (B, D) twice -> (B, 2D).

    Both towers start from the same warm-up and then go their own ways: twice the parameters of a siamese network for
    the same work.
    """

    name, family, needs, symmetric = "pseudo_siamese", "input", "embedding", False
    paper = "Zagoruyko & Komodakis, 2015, Learning to compare image patches"
    towers = 2

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=2 * spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1)
