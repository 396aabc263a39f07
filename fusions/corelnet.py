"""Similarity matrix of all tokens of both images, and nothing else."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class CoRelNet(Fusion):
    """Relations only: ``R = softmax(s Z Z')`` over the 2L normalised tokens ``Z = [S; T]``, (B, L, D) twice -> (B, 4L).

    The readout sees the four blocks of R (within A, A to B, B to A, within B) through sorted row maxima and means,
    averaged over the two images: it never sees a feature, and permuting positions or swapping A and B changes nothing.
    """

    name, family, needs, symmetric = "corelnet", "relational", "tokens", True
    paper = "Kerg et al., 2022, On neural architecture inductive biases for relational tasks"

    def __init__(self, spec: FeatureSpec, width: int = 64) -> None:
        super().__init__(out_dim=4 * spec.tokens)
        self.project = nn.Linear(spec.token_dim, width)
        self.scale = nn.Parameter(torch.tensor(4.0))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        length = a.shape[1]
        tokens = F.normalize(self.project(torch.cat([a, b], dim=1)), dim=2, eps=1e-6)
        relations = (self.scale * tokens @ tokens.transpose(1, 2)).softmax(dim=2) * 2 * length
        a_to, b_to = relations[:, :length], relations[:, length:]
        within = _readout(a_to[:, :, :length], b_to[:, :, length:])
        between = _readout(a_to[:, :, length:], b_to[:, :, :length])
        return torch.cat([within, between], dim=1)


def _readout(of_a: Tensor, of_b: Tensor) -> Tensor:
    """Sorted maxima and means of the rows of two (B, L, L) blocks, averaged over the blocks: (B, 2L)."""
    halves = [torch.cat([block.amax(2).sort(1).values, block.mean(2).sort(1).values], dim=1) for block in (of_a, of_b)]
    return (halves[0] + halves[1]) / 2
