"""Bilinear attention: one attention map over all pairs of tokens."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class BilinearAttention(Fusion):
    """Bilinear attention network: ``f_g = sum_ij A_gij (U s_i) * (V t_j)``, (B, L, D) twice -> (B, glimpses width).

    ``A_g = softmax_ij <p_g, relu(U' s_i) * relu(V' t_j)>`` is one distribution over all L^2 pairs, for each glimpse g.
    ``U = V`` and ``U' = V'`` make it symmetric; ``shared=false`` is the asymmetric form of the paper.
    """

    name, family, needs, symmetric = "bilinear_attention", "token", "tokens", True
    paper = "Kim et al., 2018, Bilinear attention networks"

    def __init__(self, spec: FeatureSpec, width: int = 32, glimpses: int = 4, shared: bool = True) -> None:
        super().__init__(out_dim=glimpses * width)
        self.symmetric = shared
        self.attend_a, self.value_a = nn.Linear(spec.token_dim, width), nn.Linear(spec.token_dim, width)
        self.attend_b = self.attend_a if shared else nn.Linear(spec.token_dim, width)
        self.value_b = self.value_a if shared else nn.Linear(spec.token_dim, width)
        self.glimpses = nn.Parameter(torch.randn(glimpses, width) * width**-0.5)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        asked = self.attend_a(a).relu()[:, None] * self.glimpses[:, None]
        logits = asked @ self.attend_b(b).relu()[:, None].transpose(2, 3)
        attention = logits.flatten(2).softmax(2).view_as(logits)
        from_b = attention @ self.value_b(b)[:, None]
        return (self.value_a(a)[:, None] * from_b).sum(2).flatten(1)
