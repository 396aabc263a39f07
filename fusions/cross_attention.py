"""Cross-attention between the tokens of the two images."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Attention


@register
class CrossAttention(Fusion):
    """Two-stream co-attention with shared weights: ``s' = mean(S + Attn(S, T))``, ``t' = mean(T + Attn(T, S))``.

    Readout ``f = [|s' - t'|; s' * t']``, (B, L, D) twice -> (B, 2 width); symmetric because both directions share their
    weights and the readout is even.
    """

    name, family, needs, symmetric = "cross_attention", "token", "tokens", True
    paper = "Lu et al., 2019, ViLBERT; Tsai et al., 2019, MulT"

    def __init__(self, spec: FeatureSpec, width: int = 64, heads: int = 4) -> None:
        super().__init__(out_dim=2 * width)
        self.project = nn.Linear(spec.token_dim, width)
        self.positions = nn.Parameter(torch.randn(1, spec.tokens, width) * 0.02)
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.project(a) + self.positions, self.project(b) + self.positions
        u, v = self._attend(s, t), self._attend(t, s)
        return torch.cat([(u - v).abs(), u * v], dim=1)

    def _attend(self, x: Tensor, context: Tensor) -> Tensor:
        x = x + self.attention(self.norm(x), self.norm(context))
        return (x + self.mlp(self.norm_mlp(x))).mean(1)
