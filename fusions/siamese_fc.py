"""Siamese network with fully connected layers on the joined embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class SiameseFC(Fusion):
    """Siamese with fully connected layers: ``f = relu(W2 relu(W1 [u; v]))``, (B, D) twice -> (B, width / 2).

    ``concat`` with two more layers between the join and the head; the order of the pair matters.
    """

    name, family, needs, symmetric = "siamese_fc", "embedding", "embedding", False
    paper = "Zagoruyko & Komodakis, 2015 (siamese); Han et al., 2015, MatchNet"

    def __init__(self, spec: FeatureSpec, width: int = 128) -> None:
        super().__init__(out_dim=width // 2)
        self.layers = nn.Sequential(nn.Linear(2 * spec.dim, width), nn.ReLU(), nn.Linear(width, width // 2), nn.ReLU())

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.layers(torch.cat([a, b], dim=1))
