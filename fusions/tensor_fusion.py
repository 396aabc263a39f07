"""Outer product of the two projected embeddings."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class TensorFusion(Fusion):
    """Tensor fusion: ``f = [1; P u] (x) [1; P v]``, all products, (B, D) twice -> (B, (rank + 1) (rank + 2) / 2).

    Swapping the images transposes the outer product T, so ``(T + T') / 2`` does not see the order and its upper
    triangle is all of it. ``shared=false`` is the form of the paper: a projection for each image and all
    (rank + 1)^2 products.
    """

    name, family, needs, symmetric = "tensor_fusion", "bilinear", "embedding", True
    paper = "Zadeh et al., 2017, Tensor fusion network for multimodal sentiment analysis"

    def __init__(self, spec: FeatureSpec, rank: int = 32, shared: bool = True) -> None:
        size = rank + 1
        super().__init__(out_dim=size * (size + 1) // 2 if shared else size**2)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, rank)
        self.right = self.left if shared else nn.Linear(spec.dim, rank)
        self.register_buffer("rows", torch.triu_indices(size, size)[0], persistent=False)
        self.register_buffer("columns", torch.triu_indices(size, size)[1], persistent=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        left, right = (F.pad(side, (1, 0), value=1.0) for side in (self.left(a), self.right(b)))
        outer = left[:, :, None] * right[:, None, :]
        if not self.symmetric:
            return outer.flatten(1)
        return ((outer + outer.transpose(1, 2)) / 2)[:, self.rows, self.columns]
