"""Early fusion: one canvas that shows both images."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, MapShape, register


@register
class SideBySide(Fusion):
    """One canvas: ``x = [a | b]`` along the width, (B, 3, H, W) twice -> (B, 3, H, 2W), and one backbone pass on ``x``.

    The setting of the same-different literature: the network must find both figures and compare them inside its layers,
    and global pooling then forgets which side was which.
    """

    name, family, needs, symmetric = "side_by_side", "input", "pixels", False
    paper = "Fleuret et al., 2011; Kim et al., 2018, Not-So-CLEVR; Puebla & Bowers, 2022"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=3)

    def joined(self, image: MapShape) -> MapShape:
        return MapShape(image.channels, image.height, 2 * image.width)
