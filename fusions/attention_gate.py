"""A shared CNN whose two feature maps gate each other before they are pooled and compared."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, mlp, register

from .map_join import map_at


@register
class AttentionGate(Fusion):
    """Mutual attention gate: ``score = h(s cos(u, v))`` with ``u = BN(W mean_xy(G(P, Q)))`` and
    ``v = BN(W mean_xy(G(Q, P)))``, (B, C, H, W) twice -> (B,).

    The gate ``G(P, Q)_i = sigmoid(w . relu(X P_i + Y mean_xy(Q) + c) + d) P_i`` weights each position i of a map by
    what is there and by what the other image shows as a whole: X, Y are (hidden, C), w is (hidden,). W projects to
    ``dim`` numbers, BN is a BatchNorm over both images (without it all cosines of non-negative maps are near 1), s a
    learned scale, and h the classifier 1 -> 16 -> 1, which starts as an increasing function. Both images share every
    weight.

    ``map_stage=k`` cuts the backbone after stage k: 2 is the 256-channel stage of ResNet18. The default -1 is the
    deepest map of at least 4x4.
    """

    name, family, needs, symmetric = "attention_gate", "map", "map", True
    paper = "Oktay et al., 2018, Attention U-Net (additive gate); Bromley et al., 1993 (siamese cosine)"
    head = "score"

    def __init__(
        self, spec: FeatureSpec, map_stage: int = -1, hidden: int = 64, dim: int = 128, scale: float = 32.0
    ) -> None:
        super().__init__(out_dim=1)
        channels = map_at(spec, map_stage).channels
        self.map_stage = None if map_stage == -1 else map_stage
        self.of_own = nn.Conv2d(channels, hidden, 1)
        self.of_other = nn.Linear(channels, hidden, bias=False)
        self.gate = nn.Conv2d(hidden, 1, 1)
        # A bias would be cancelled by the BatchNorm.
        self.project = nn.Linear(channels, dim, bias=False)
        self.norm = nn.BatchNorm1d(dim)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.classify = mlp(1, hidden=16)
        # A random classifier of one number often rises, or falls, to both sides of 0: opposite vectors, which two
        # classes tend to, would start as "same". With paired signs every hidden unit starts as an increasing term.
        first, _, last = self.classify
        with torch.no_grad():
            last.weight.copy_(last.weight.abs() * first.weight.T.sign())

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        gated = torch.cat([self._gated(a, b), self._gated(b, a)])
        u, v = self.norm(self.project(gated.mean((2, 3)))).chunk(2)
        return self.classify(self.scale * F.cosine_similarity(u, v, dim=1, eps=1e-6).unsqueeze(1)).flatten()

    def _gated(self, p: Tensor, q: Tensor) -> Tensor:
        other = self.of_other(q.mean((2, 3)))[:, :, None, None]
        return self.gate((self.of_own(p) + other).relu()).sigmoid() * p
