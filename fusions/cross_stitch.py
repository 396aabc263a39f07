"""Learned mixing of the two streams, channel by channel."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, register

from .map_exchange import MapExchange


@register
class CrossStitch(MapExchange):
    """Cross-stitch unit: ``P' = s * P + o * Q``, ``Q' = s * Q + o * P`` with weights s, o per channel after stage k,
    then ``f = [|u - v|; u * v]`` of the two embeddings, (B, D) twice -> (B, 2D).

    It starts at s = 0.9, o = 0.1. ``symmetric=false`` is the classic form, with weights of its own for each stream.
    """

    name, family, symmetric = "cross_stitch", "gating", True
    paper = "Misra et al., 2016, Cross-stitch networks for multi-task learning"

    def __init__(self, spec: FeatureSpec, stage: int = 1, symmetric: bool = True) -> None:
        super().__init__(spec, stage)
        self.symmetric = symmetric
        weights = torch.tensor([0.9, 0.1])[:, None, None, None].repeat(1, spec.stage(stage).channels, 1, 1)
        self.for_a = nn.Parameter(weights)
        # From equal weights the untrained join would be symmetric all the same.
        self.for_b = self.for_a if symmetric else nn.Parameter(weights + 0.02 * torch.randn_like(weights))

    def exchange(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return self.for_a[0] * p + self.for_a[1] * q, self.for_b[0] * q + self.for_b[1] * p
