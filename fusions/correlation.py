"""Correlation volume of two feature maps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class Correlation(Fusion):
    """All-pairs correlation: ``C_ij = <p_i, q_j> / (|p_i| |q_j|)`` over projected positions, (B, C, H, W) twice ->
    (B, 2L).

    ``L = H W``. Rows give ``max_j C_ij`` sorted over i, columns ``max_i C_ij`` sorted over j; the two halves are
    averaged
    and joined with the same statistics of the mean, so that the swap of A and B (a transpose of C) changes nothing.
    """

    name, family, needs, symmetric = "correlation", "map", "map", True
    paper = "Dosovitskiy et al., 2015, FlowNet; Rocco et al., 2017"

    def __init__(self, spec: FeatureSpec, width: int = 64) -> None:
        super().__init__(out_dim=2 * spec.tokens)
        self.project = nn.Conv2d(spec.map.channels, width, 1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = (F.normalize(self.project(side).flatten(2), dim=1, eps=1e-6) for side in (a, b))
        volume = p.transpose(1, 2) @ q
        return torch.cat([_readout(volume.amax), _readout(volume.mean)], dim=1)


def _readout(statistic) -> Tensor:
    rows, columns = statistic(dim=2).sort(dim=1).values, statistic(dim=1).sort(dim=1).values
    return (rows + columns) / 2
