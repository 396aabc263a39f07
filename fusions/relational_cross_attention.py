"""Relational cross-attention: attention that passes on symbols in place of features."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Attention, TokenEmbedding


@register
class RelationalCrossAttention(Fusion):
    """Abstractor: ``E(S, T) = softmax(Q(S) K(T)') V(symbols)``, ``f = mean_i E(S, T)_i + mean_i E(T, S)_i``,
    (B, L, D) twice -> (B, width).

    The symbols (L, width) are learned and do not depend on the input: features decide where attention goes, and never
    reach the readout. An MLP follows E. Both directions share their weights.
    """

    name, family, needs, symmetric = "relational_cross_attention", "relational", "tokens", True
    paper = "Altabaa et al., 2024, Abstractors and relational cross-attention"

    def __init__(self, spec: FeatureSpec, width: int = 64, heads: int = 4) -> None:
        super().__init__(out_dim=width)
        self.embed = TokenEmbedding(spec, width)
        self.norm = nn.LayerNorm(width)
        self.symbols = nn.Parameter(torch.randn(1, spec.tokens, width))
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.norm(self.embed(a)), self.norm(self.embed(b))
        return self._relate(s, t) + self._relate(t, s)

    def _relate(self, x: Tensor, context: Tensor) -> Tensor:
        abstract = self.attention(x, context, values=self.symbols.expand(len(x), -1, -1))
        return (abstract + self.mlp(self.norm_mlp(abstract))).mean(1)
