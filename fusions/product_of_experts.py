"""Product of two Gaussian experts, one for each embedding."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class ProductOfExperts(Fusion):
    """Product of Gaussians: ``f = [mu; log t]``, ``t = 1 + t_u + t_v``, ``mu = (t_u m_u + t_v m_v) / t``, (B, D) twice
    -> (B, 2 width).

    Each image gives a mean m and precisions t = exp(T u), and a standard normal prior stands beside them. It averages
    what the two images agree on, and does not compare them. ``shared=false`` gives each image an expert of its own.
    """

    name, family, needs, symmetric = "product_of_experts", "gating", "embedding", True
    paper = "Hinton, 2002; Wu & Goodman, 2018, Multimodal generative models (MVAE)"

    def __init__(self, spec: FeatureSpec, width: int = 64, shared: bool = True) -> None:
        super().__init__(out_dim=2 * width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, 2 * width)
        self.right = self.left if shared else nn.Linear(spec.dim, 2 * width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        mean_a, log_a = self.left(a).chunk(2, dim=1)
        mean_b, log_b = self.right(b).chunk(2, dim=1)
        # As a softmax over prior and experts: large precisions overflow exp, but not this.
        logs = torch.stack([torch.zeros_like(log_a), log_a, log_b])
        share = logs.softmax(dim=0)
        return torch.cat([share[1] * mean_a + share[2] * mean_b, logs.logsumexp(dim=0)], dim=1)
