"""Cosine of every token of A with every token of B, shared by the matching fusions."""

from torch import Tensor, nn
from torch.nn import functional as F


class TokenSimilarity(nn.Module):
    """``C_ij = cos(W s_i + c, W t_j + c)``, (B, L, D) and (B, M, D) -> (B, L, M).

    The bias c lets training move the origin: tokens after a ReLU all point the same way, and their cosines are near 1.
    """

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = (F.normalize(self.project(tokens), dim=2, eps=1e-6) for tokens in (a, b))
        return p @ q.transpose(1, 2)
