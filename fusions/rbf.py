"""Radial basis function of the distance of the two embeddings, as a logit."""

import math

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class RadialBasis(Fusion):
    """Radial basis function: ``score = b - |u - v|^2 / (D tau)`` with learned b and tau > 0, (B, D) twice -> (B,).

    The logarithm of the kernel ``exp(-d^2 / tau)``: the kernel itself saturates, and its gradient vanishes.
    """

    name, family, needs, symmetric = "rbf", "similarity", "embedding", True
    paper = "Broomhead & Lowe, 1988, Multivariable functional interpolation and adaptive networks"
    head = "score"

    def __init__(self, spec: FeatureSpec, tau: float = 0.25) -> None:
        super().__init__(out_dim=1)
        self.log_tau = nn.Parameter(torch.tensor(math.log(tau)))
        # Unrelated embeddings of variance 1 are at squared distance 2: the threshold starts at 1.
        self.bias = nn.Parameter(torch.tensor(1 / tau))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.bias - (a - b).square().mean(1) * (-self.log_tau).exp()
