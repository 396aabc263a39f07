"""One-way cross-attention: the tokens of A look at those of B."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Block, TokenEmbedding


@register
class OneWayAttention(Fusion):
    """One-way cross-attention: ``f = mean_i(S + Attn(S, T))_i``, (B, L, D) twice -> (B, width).

    S are the tokens of A, T those of B, both projected. An MLP follows the attention, as in any transformer block. B
    answers and never asks, so the order of the pair matters.
    """

    name, family, needs, symmetric = "one_way_attention", "token", "tokens", False
    paper = "Li et al., 2021, ALBEF (multimodal encoder)"

    def __init__(self, spec: FeatureSpec, width: int = 64, heads: int = 4) -> None:
        super().__init__(out_dim=width)
        self.embed = TokenEmbedding(spec, width)
        self.block = Block(width, heads)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.block(self.embed(a), self.embed(b)).mean(1)
