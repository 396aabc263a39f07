"""Dual attention: cross-attention that passes on features and, beside them, relations."""

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, register

from .attention import Attention, TokenEmbedding


class RelationalAttention(nn.Module):
    """Relational attention: ``y_i = sum_j alpha_ij (r(x_i, c_j) W_r + s_j)``, (B, L, D) and (B, M, D) -> (B, L, D).

    Per head, ``alpha`` is a softmax attention, W_r maps the relations to the head and s_j is a learned symbol for
    position j. ``r_k(x, c) = <R_k x, R_k c>`` are ``relations`` inner products shared by the heads: one map R_k for
    both sides makes each relation symmetric.
    """

    def __init__(self, dim: int, heads: int, relations: int, length: int) -> None:
        super().__init__()
        self.heads, self.relations = heads, relations
        self.queries, self.keys = nn.Linear(dim, dim), nn.Linear(dim, dim, bias=False)
        self.relate = nn.Linear(dim, dim, bias=False)
        self.of_relations = nn.Parameter(torch.randn(heads, relations, dim // heads) * relations**-0.5)
        self.symbols = nn.Parameter(torch.randn(heads, length, dim // heads))
        self.out = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        alpha = _scaled_products(self.queries(x), self.keys(context), self.heads).softmax(3)
        relations = _scaled_products(self.relate(x), self.relate(context), self.relations)
        related = torch.einsum("bhij,bkij,hkd->bihd", alpha, relations, self.of_relations)
        named = torch.einsum("bhij,hjd->bihd", alpha, self.symbols)
        return self.out((related + named).flatten(2))


def _scaled_products(x: Tensor, y: Tensor, groups: int) -> Tensor:
    """``<x_i, y_j> / sqrt(d)`` within each group of d dimensions: (B, L, D) and (B, M, D) -> (B, groups, L, M)."""
    x, y = (side.unflatten(2, (groups, -1)).transpose(1, 2) for side in (x, y))
    return x @ y.transpose(2, 3) * x.shape[3] ** -0.5


@register
class DualAttention(Fusion):
    """Features and relations side by side: ``s' = mean(S + Attn(S, T) + RelAttn(S, T))``, t' likewise,
    (B, L, D) twice -> (B, 2 width).

    ``RelAttn(S, T)_i = sum_j alpha_ij (r(s_i, t_j) W_r + symbol_j)`` passes on how two tokens relate, not what they
    are. An MLP follows; readout ``f = [|s' - t'|; s' * t']``. Both directions share their weights.
    """

    name, family, needs, symmetric = "dual_attention", "relational", "tokens", True
    paper = "Altabaa & Lafferty, 2024, Disentangling and integrating relational and sensory information"

    def __init__(self, spec: FeatureSpec, width: int = 64, heads: int = 4, relations: int = 4) -> None:
        super().__init__(out_dim=2 * width)
        if relations < 1 or width % relations:
            raise UsageError(f"fusion dual_attention: relations={relations} must divide width={width}")
        self.embed = TokenEmbedding(spec, width)
        self.norm, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.sensory = Attention(width, heads)
        self.relational = RelationalAttention(width, heads, relations, spec.tokens)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.embed(a), self.embed(b)
        u, v = self._attend(s, t), self._attend(t, s)
        return torch.cat([(u - v).abs(), u * v], dim=1)

    def _attend(self, x: Tensor, context: Tensor) -> Tensor:
        normed, normed_context = self.norm(x), self.norm(context)
        x = x + self.sensory(normed, normed_context) + self.relational(normed, normed_context)
        return (x + self.mlp(self.norm_mlp(x))).mean(1)
