"""Signal-to-noise distance of the two embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class SnrDistance(Fusion):
    """Signal-to-noise distance: ``score = b - s Var(u - v) / Var(u)`` with learned s and b, (B, D) twice -> (B,).

    The variances run over the D dimensions. Image A is the signal and what B differs by is the noise, so the order of
    the pair matters.
    """

    name, family, needs, symmetric = "snr_distance", "similarity", "embedding", False
    paper = "Yuan et al., 2019, Signal-to-noise ratio: a robust distance metric for deep metric learning"
    head = "score"

    def __init__(self, spec: FeatureSpec, scale: float = 4.0) -> None:
        super().__init__(out_dim=1)
        self.scale = nn.Parameter(torch.tensor(scale))
        # Unrelated embeddings are at distance 2: the threshold starts at 1.
        self.bias = nn.Parameter(torch.tensor(scale))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        noise = (a - b).var(dim=1, correction=0)
        return self.bias - self.scale * noise / (a.var(dim=1, correction=0) + 1e-3)
