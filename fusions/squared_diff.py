"""Squared difference of the two embeddings."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class SquaredDiff(Fusion):
    """Squared difference: ``f = (u - v)^2``, (B, D) twice -> (B, D). Heavier tails than the absolute difference."""

    name, family, needs, symmetric = "squared_diff", "embedding", "embedding", True
    paper = "Chopra et al., 2005, Learning a similarity metric discriminatively"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).square()
