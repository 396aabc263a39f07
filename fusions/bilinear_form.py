"""Bilinear form of two small vectors, shared by the bilinear fusions with a full core."""

import torch
from torch import Tensor, nn


class BilinearForm(nn.Module):
    """Full bilinear form ``z_k = p' W_k q``: (B, I) and (B, I) -> (B, K), and swapping them changes nothing where
    ``symmetric``."""

    def __init__(self, in_dim: int, out_dim: int, symmetric: bool) -> None:
        super().__init__()
        self.symmetric = symmetric
        self.weight = nn.Parameter(torch.randn(out_dim, in_dim, in_dim) / in_dim)

    def core(self) -> Tensor:
        """The matrices W_k in use: (K, I, I), of which the symmetric part where ``symmetric``."""
        return (self.weight + self.weight.transpose(1, 2)) / 2 if self.symmetric else self.weight

    def forward(self, p: Tensor, q: Tensor) -> Tensor:
        left = torch.einsum("bi,kij->bkj", p, self.core())
        return torch.einsum("bkj,bj->bk", left, q)
