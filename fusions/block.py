"""Block-term decomposition of a bilinear join: chunk by chunk."""

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, register

from .power_norm import power_norm


@register
class Block(Fusion):
    """BLOCK: ``z_c = norm(sum_r (M_cr p_c) * (M_cr q_c))`` and ``f = O [z_1; ...; z_C]``, (B, D) twice -> (B, width).

    ``p = P u`` and ``q = P v`` are cut into ``chunks`` of width / chunks dimensions, and each chunk meets its
    counterpart in a core of ``rank``: between one core (MUTAN) and none (an elementwise product). ``norm`` is the
    signed square root, then the length. ``shared=false`` is the form of the paper: P and M of its own for the second
    image.
    """

    name, family, needs, symmetric = "block", "bilinear", "embedding", True
    paper = "Ben-younes et al., 2019, BLOCK: bilinear superdiagonal fusion"

    def __init__(
        self, spec: FeatureSpec, width: int = 128, chunks: int = 4, rank: int = 4, shared: bool = True
    ) -> None:
        if chunks < 1 or width % chunks:
            raise UsageError(f"block: width {width} cannot be cut into {chunks} equal chunks")
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.chunks = chunks
        size = width // chunks
        self.left = nn.Linear(spec.dim, chunks * size)
        self.right = self.left if shared else nn.Linear(spec.dim, chunks * size)
        self.left_factors = nn.Parameter(torch.randn(chunks, rank, size, size) * size**-0.5)
        self.right_factors = (
            self.left_factors if shared else nn.Parameter(torch.randn(chunks, rank, size, size) * size**-0.5)
        )
        self.out = nn.Linear(chunks * size, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = (side.unflatten(1, (self.chunks, -1)) for side in (self.left(a), self.right(b)))
        left = torch.einsum("bci,crki->bcrk", p, self.left_factors)
        right = torch.einsum("bci,crki->bcrk", q, self.right_factors)
        return self.out(power_norm((left * right).sum(2)).flatten(1))
