"""Base of the fusions whose two streams exchange information in the middle of the backbone."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion


class MapExchange(Fusion):
    """``P', Q' = exchange(P, Q)`` after stage k; both go on through the backbone, and ``f = [|u - v|; u * v]`` joins
    their embeddings, (B, D) twice -> (B, 2D)."""

    needs = "exchange"

    def __init__(self, spec: FeatureSpec, stage: int) -> None:
        super().__init__(out_dim=2 * spec.dim)
        self.stage = stage

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([(a - b).abs(), a * b], dim=1)
