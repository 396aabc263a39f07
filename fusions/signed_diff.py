"""Signed difference of the two embeddings."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class SignedDiff(Fusion):
    """Signed difference: ``f = u - v``, (B, D) twice -> (B, D). The head must learn that the sign does not matter."""

    name, family, needs, symmetric = "signed_diff", "embedding", "embedding", False
    paper = "Bordes et al., 2013, TransE; Shanahan et al., 2020, PrediNet (its comparator)"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return a - b
