"""Match probability of two Gaussian embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Probabilistic(Fusion):
    """Match of two Gaussians: ``score = b - s E |z1 - z2|^2 / width`` with z1 ~ N(M u, S(u)) and z2 ~ N(M v, S(v)),
    (B, D) twice -> (B,).

    In closed form: ``E |z1 - z2|^2 = |M u - M v|^2 + tr S(u) + tr S(v)``, S diagonal with the logarithm of its entries
    linear in the embedding. No samples are drawn, so scores do not vary from call to call; an image that the network is
    unsure of matches nothing.
    """

    name, family, needs, symmetric = "probabilistic", "similarity", "embedding", True
    paper = "Oh et al., 2019, Hedged instance embedding; Chun, 2024, PCME++ (the closed form)"
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 32, scale: float = 4.0) -> None:
        super().__init__(out_dim=1)
        self.mean = nn.Linear(spec.dim, width, bias=False)
        self.log_variance = nn.Linear(spec.dim, width)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(scale))
        nn.init.normal_(self.mean.weight, std=spec.dim**-0.5)
        nn.init.constant_(self.log_variance.bias, -3.0)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        distance = (self.mean(a) - self.mean(b)).square()
        spread = self.log_variance(a).exp() + self.log_variance(b).exp()
        return self.bias - self.scale * (distance + spread).mean(1)
