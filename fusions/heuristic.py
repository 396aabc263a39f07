"""Heuristic matching features of the two embeddings."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class Heuristic(Fusion):
    """Heuristic matching in its symmetric form: ``f = [u + v; |u - v|; u * v]``, (B, D) twice -> (B, 3D).

    ``classic=true`` is the form of the papers, which is not symmetric: ``f = [u; v; |u - v|; u * v]``, (B, 4D).
    """

    name, family, needs, symmetric = "heuristic", "embedding", "embedding", True
    paper = "Mou et al., 2016; Conneau et al., 2017, InferSent"

    def __init__(self, spec: FeatureSpec, classic: bool = False) -> None:
        super().__init__(out_dim=(4 if classic else 3) * spec.dim)
        self.symmetric = not classic
        self.classic = classic

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        codes = [a, b] if self.classic else [a + b]
        return torch.cat([*codes, (a - b).abs(), a * b], dim=1)
