"""Joint token sequence of both images through transformer blocks."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .attention import Block


@register
class JointTransformer(Fusion):
    """Single stream: ``f = blocks([cls; S + e_A; T + e_B])[cls]``, (B, L, D) twice -> (B, width).

    With ``segment_embedding=false`` the two halves cannot be told apart and the score is exactly symmetric, but the
    model no longer knows which token came from which image.
    """

    name, family, needs, symmetric = "joint_transformer", "token", "tokens", False
    paper = "Kim et al., 2021, ViLT; Li et al., 2019, VisualBERT"

    def __init__(
        self, spec: FeatureSpec, width: int = 64, depth: int = 2, heads: int = 4, segment_embedding: bool = True
    ) -> None:
        super().__init__(out_dim=width)
        self.symmetric = not segment_embedding
        self.project = nn.Sequential(nn.Linear(spec.token_dim, width), nn.LayerNorm(width))
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.positions = nn.Parameter(torch.randn(1, spec.tokens, width) * 0.02)
        self.segments = nn.Parameter(torch.randn(2, 1, 1, width) * 0.02) if segment_embedding else None
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        s, t = self.project(a) + self.positions, self.project(b) + self.positions
        if self.segments is not None:
            s, t = s + self.segments[0], t + self.segments[1]
        sequence = torch.cat([self.cls.expand(len(a), -1, -1), s, t], dim=1)
        return self.norm(self.blocks(sequence)[:, 0])
