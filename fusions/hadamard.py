"""Elementwise product of the two embeddings."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class Hadamard(Fusion):
    """Elementwise product: ``f = u * v``, (B, D) twice -> (B, D). A dimension that is dead in one code is dead in
    ``f``."""

    name, family, needs, symmetric = "hadamard", "embedding", "embedding", True
    paper = "Kim et al., 2017, Hadamard product for low-rank bilinear pooling"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a * b
