"""Gated multimodal unit on the two embeddings."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Gated(Fusion):
    """Gated multimodal unit: ``f = z * tanh(U u) + (1 - z) * tanh(U v)`` with ``z = sigmoid(W (u - v))``, (B, D) twice
    -> (B, width).

    A gate that is odd in the difference swaps z and 1 - z when the images swap. ``shared=false`` is the form of the
    paper: ``z = sigmoid(W [u; v])`` and a U for each image. Either is a convex mix, which hides a difference.
    """

    name, family, needs, symmetric = "gated", "gating", "embedding", True
    paper = "Arevalo et al., 2017, Gated multimodal units for information fusion"

    def __init__(self, spec: FeatureSpec, width: int = 128, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, width)
        self.right = self.left if shared else nn.Linear(spec.dim, width)
        self.gate = nn.Linear(spec.dim, width, bias=False) if shared else nn.Linear(2 * spec.dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        z = self.gate(a - b if self.symmetric else torch.cat([a, b], dim=1)).sigmoid()
        return z * self.left(a).tanh() + (1 - z) * self.right(b).tanh()
