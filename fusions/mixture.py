"""Mixture of elementary joins under learned gates."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class Mixture(Fusion):
    """Mixture of fusions: ``f = sum_k g_k F_k``, ``F = (W1 u + W1 v, W2 |u - v|, W3 (u * v), w4 cos(u, v))``, (B, D)
    twice -> (B, width).

    The gates ``g = softmax(G [u + v; |u - v|; u * v; cos(u, v)])`` do not see the order of the pair, and nor does the
    concatenation F_1, which ties both halves of W1; ``shared=false`` frees them. Nothing keeps the gates in balance.
    """

    name, family, needs, symmetric = "mixture", "gating", "embedding", True
    paper = "Jacobs et al., 1991, Adaptive mixtures of local experts; Shazeer et al., 2017"

    def __init__(self, spec: FeatureSpec, width: int = 128, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, width)
        self.right = self.left if shared else nn.Linear(spec.dim, width)
        self.of_difference = nn.Linear(spec.dim, width)
        self.of_product = nn.Linear(spec.dim, width)
        self.of_cosine = nn.Linear(1, width)
        self.gate = nn.Linear(3 * spec.dim + 1, 4)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        difference, product, cosine = _parts(a, b)
        experts = [
            self.left(a) + self.right(b),
            self.of_difference(difference),
            self.of_product(product),
            self.of_cosine(cosine),
        ]
        return torch.einsum("bk,bkw->bw", self.gates(a, b), torch.stack(experts, dim=1))

    def gates(self, a: Tensor, b: Tensor) -> Tensor:
        """Weights (B, 4) of concatenation, absolute difference, product and cosine; each row sums to 1."""
        return self.gate(torch.cat([a + b, *_parts(a, b)], dim=1)).softmax(dim=1)


def _parts(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return (a - b).abs(), a * b, F.cosine_similarity(a, b, dim=1, eps=1e-6)[:, None]
