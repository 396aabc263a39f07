"""Attention bottleneck: a few latent tokens carry everything that one image learns of the other."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Block, TokenEmbedding


@register
class AttentionBottleneck(Fusion):
    """Multimodal bottleneck: ``[S; Z_A] = block([S; Z])``, ``[T; Z_B] = block([T; Z])``, ``Z = (Z_A + Z_B) / 2``,
    repeated; ``f = mean(Z)``, (B, L, D) twice -> (B, width).

    The two images never attend to each other, only to the latents Z (``latents`` learned tokens). The exchange takes
    two rounds: in the second, each image sees what the first wrote of the other. Both images share all weights.
    """

    name, family, needs, symmetric = "attention_bottleneck", "token", "tokens", True
    paper = "Nagrani et al., 2021, Attention bottlenecks for multimodal fusion"

    def __init__(self, spec: FeatureSpec, width: int = 64, latents: int = 4, depth: int = 2, heads: int = 4) -> None:
        super().__init__(out_dim=width)
        self.embed = TokenEmbedding(spec, width)
        self.latents = nn.Parameter(torch.randn(1, latents, width) * 0.02)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t, z = self.embed(a), self.embed(b), self.latents.expand(len(a), -1, -1)
        for block in self.blocks:
            s, z_a = block(torch.cat([s, z], dim=1)).split([s.shape[1], z.shape[1]], dim=1)
            t, z_b = block(torch.cat([t, z], dim=1)).split([t.shape[1], z.shape[1]], dim=1)
            z = (z_a + z_b) / 2
        return self.norm(z.mean(1))
