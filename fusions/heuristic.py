"""Heuristic matching features of the two embeddings."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class Heuristic(Fusion):
    """Heuristic matching in its symmetric form: ``f = [u + v; |u - v|; u * v]``, (B, D) twice -> (B, 3D)."""

    name, family, needs, symmetric = "heuristic", "embedding", "embedding", True
    paper = "Mou et al., 2016; Conneau et al., 2017, InferSent"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=3 * spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a + b, (a - b).abs(), a * b], dim=1)
