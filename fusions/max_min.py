"""Maximum and minimum of the two embeddings."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class MaxMin(Fusion):
    """Maximum and minimum: ``f = [max(u, v); min(u, v)]``, (B, D) twice -> (B, 2D).

    Keeps both values of every dimension and forgets only whose they were.
    """

    name, family, needs, symmetric = "max_min", "embedding", "embedding", True
    paper = "Zaheer et al., 2017, Deep sets"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=2 * spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([torch.maximum(a, b), torch.minimum(a, b)], dim=1)
