"""Attention layers shared by the token fusions. Tensors are always (batch, length, dim)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.fusion import FeatureSpec


class TokenEmbedding(nn.Module):
    """Tokens projected to ``width``, plus learned positions: (B, L, D) -> (B, L, width)."""

    def __init__(self, spec: FeatureSpec, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(spec.token_dim, width)
        self.positions = nn.Parameter(torch.randn(1, spec.tokens, width) * 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.project(tokens) + self.positions


class Attention(nn.Module):
    """Multi-head attention of queries (B, L, D) over a context (B, M, D) -> (B, L, D).

    Values are made from the context, or from ``values`` (B, M, D) where given.

    Raises:
        UsageError: the heads do not share ``dim`` evenly.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if heads < 1 or dim % heads:
            raise UsageError(f"attention: heads={heads} must divide width={dim}")
        self.heads = heads
        self.queries = nn.Linear(dim, dim)
        # A bias on the keys adds the same number to every logit of a row, and the softmax cancels it.
        self.keys = nn.Linear(dim, dim, bias=False)
        self.values = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor, context: Tensor, values: Tensor | None = None) -> Tensor:
        split = (self.heads, -1)
        q = self.queries(x).unflatten(2, split).transpose(1, 2)
        k = self.keys(context).unflatten(2, split).transpose(1, 2)
        v = self.values(context if values is None else values).unflatten(2, split).transpose(1, 2)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Pre-norm transformer block: attention and MLP, (B, L, D) -> (B, L, D).

    It is self-attention, or attention over a context (B, M, D) where given.
    """

    def __init__(self, dim: int, heads: int, ratio: int = 2) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attention = Attention(dim, heads)
        self.mlp = nn.Sequential(nn.Linear(dim, ratio * dim), nn.GELU(), nn.Linear(ratio * dim, dim))

    def forward(self, x: Tensor, context: Tensor | None = None) -> Tensor:
        normed = self.norm_attention(x)
        x = x + self.attention(normed, normed if context is None else self.norm_attention(context))
        return x + self.mlp(self.norm_mlp(x))
