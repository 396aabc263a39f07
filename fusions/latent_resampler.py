"""Latent resampler: a few learned queries read the tokens of both images."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Block, TokenEmbedding


@register
class LatentResampler(Fusion):
    """Learned queries over both images: ``Z = Z + Attn(Z, [S; T])``, ``Z = Z + Attn(Z, Z)``, repeated; ``f = mean(Z)``,
    (B, L, D) twice -> (B, width).

    Z are ``latents`` learned tokens. Attention over ``[S; T]`` does not see which image a token belongs to, which makes
    it symmetric; ``segment_embedding=true`` tells it, and the order of the pair matters.
    """

    name, family, needs, symmetric = "latent_resampler", "token", "tokens", True
    paper = "Jaegle et al., 2021, Perceiver; Li et al., 2023, BLIP-2 (Q-Former)"

    def __init__(
        self,
        spec: FeatureSpec,
        width: int = 64,
        latents: int = 8,
        depth: int = 2,
        heads: int = 4,
        segment_embedding: bool = False,
    ) -> None:
        super().__init__(out_dim=width)
        self.symmetric = not segment_embedding
        self.embed = TokenEmbedding(spec, width)
        self.segments = nn.Parameter(torch.randn(2, 1, 1, width) * 0.02) if segment_embedding else None
        self.latents = nn.Parameter(torch.randn(1, latents, width) * 0.02)
        self.read = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.think = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.embed(a), self.embed(b)
        if self.segments is not None:
            s, t = s + self.segments[0], t + self.segments[1]
        context, z = torch.cat([s, t], dim=1), self.latents.expand(len(a), -1, -1)
        for read, think in zip(self.read, self.think, strict=True):
            z = think(read(z, context))
        return self.norm(z.mean(1))
