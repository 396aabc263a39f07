"""Correlation volume of two feature maps."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register

from .map_join import DEEPEST, map_at


@register
class Correlation(Fusion):
    """All-pairs correlation: ``V_ij = <p_i, q_j> / (|p_i| |q_j|)`` over projected positions, (B, C, H, W) twice ->
    (B, 2L).

    ``L = H W``. Rows give ``max_j V_ij`` sorted over i, columns ``max_i V_ij`` sorted over j; the two halves are
    averaged and joined with the same statistics of the mean, so that the swap of A and B (a transpose of V) changes
    nothing. With ``stage=k``, ``J = (conv1x1(V) + conv1x1(V')) / 2``, whose channels are the L positions of the other
    image brought to C, goes on through the backbone. ``symmetric=false`` only uses V, laid out over the positions of A.
    """

    name, family, needs, symmetric = "correlation", "map", "map", True
    paper = "Dosovitskiy et al., 2015, FlowNet; Rocco et al., 2017"

    def __init__(self, spec: FeatureSpec, width: int = 64, stage: int = -1, symmetric: bool = True) -> None:
        shape = map_at(spec, stage)
        length = shape.height * shape.width
        super().__init__(out_dim=2 * length if stage == DEEPEST else spec.dim)
        self.symmetric = symmetric
        self.project = nn.Conv2d(shape.channels, width, 1)
        if stage != DEEPEST:
            self.needs, self.stage = "stage", stage
            # A bias could be cancelled by the BatchNorm of the next stage.
            self.mix = nn.Conv2d(length, shape.channels, 1, bias=False)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = (F.normalize(self.project(side).flatten(2), dim=1, eps=1e-6) for side in (a, b))
        volume = p.transpose(1, 2) @ q
        read = _statistics if self.needs == "map" else lambda rows: self._mixed(rows, a.shape[2:])
        of_a = read(volume)
        return (of_a + read(volume.transpose(1, 2))) / 2 if self.symmetric else of_a

    def _mixed(self, rows: Tensor, size: torch.Size) -> Tensor:
        """What each position found in the other image, (B, L, L) -> (B, C, H, W)."""
        return self.mix(rows.transpose(1, 2).unflatten(2, size))


def _statistics(rows: Tensor) -> Tensor:
    """Maxima and means of the rows (B, L, L), each sorted -> (B, 2L)."""
    return torch.cat([rows.amax(2).sort(1).values, rows.mean(2).sort(1).values], dim=1)
