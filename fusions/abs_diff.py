"""Absolute difference of the two embeddings."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class AbsDiff(Fusion):
    """Absolute difference: ``f = |u - v|``, (B, D) twice -> (B, D). Zero for identical inputs by construction."""

    name, family, needs, symmetric = "abs_diff", "embedding", "embedding", True
    paper = "Koch et al., 2015, Siamese neural networks for one-shot image recognition"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
