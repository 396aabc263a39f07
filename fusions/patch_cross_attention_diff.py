"""Difference of what each image finds in the other."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Attention, TokenEmbedding


@register
class PatchCrossAttentionDiff(Fusion):
    """Cross-attention, mean, difference: ``f = mean_i N(S + Attn(S, T))_i - mean_i N(T + Attn(T, S))_i``,
    (B, L, D) twice -> (B, width).

    S and T are the projected patch tokens, N a layer norm; both directions share their weights. The signed difference
    turns around when the images swap and the classifier must learn that its sign means nothing; ``absolute=true`` takes
    ``|f|``, which makes it symmetric.
    """

    name, family, needs, symmetric = "patch_cross_attention_diff", "token", "tokens", False
    paper = "Chen et al., 2021, CrossViT; Lu et al., 2019, ViLBERT (cross-attention)"

    def __init__(self, spec: FeatureSpec, width: int = 64, heads: int = 4, absolute: bool = False) -> None:
        super().__init__(out_dim=width)
        self.symmetric = self.absolute = absolute
        self.embed = TokenEmbedding(spec, width)
        self.attention = Attention(width, heads)
        # Its bias would cancel in the difference.
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.embed(a), self.embed(b)
        difference = self._mean_after(s, t) - self._mean_after(t, s)
        return difference.abs() if self.absolute else difference

    def _mean_after(self, x: Tensor, context: Tensor) -> Tensor:
        return self.norm(x + self.attention(x, context)).mean(1)
