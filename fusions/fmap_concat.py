"""Concatenation of the two feature maps."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, register

from .map_join import MapJoin, map_at


@register
class FeatureMapConcat(MapJoin):
    """Siamese concatenation: ``f = mean_xy(relu(conv([P; Q])))``, (B, C, H, W) twice -> (B, width).

    With ``stage=k``, ``conv1x1([P; Q])`` with the C channels of stage k goes on through the backbone.
    """

    name, needs, symmetric = "fmap_concat", "map", False
    paper = "Daudt et al., 2018, FC-Siam-conc; Feichtenhofer et al., 2016, Convolutional two-stream network fusion"

    def __init__(self, spec: FeatureSpec, width: int = 128, stage: int = -1) -> None:
        super().__init__(spec, stage, width, joined=2 * map_at(spec, stage).channels)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        return torch.cat([p, q], dim=1)
