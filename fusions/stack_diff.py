"""Early fusion: the two images and their difference, stacked along the channels."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, MapShape, register


@register
class StackDifference(Fusion):
    """Stack and difference: ``x = [a; b; |a - b|]``, (B, 3, H, W) twice -> (B, 9, H, W), and one backbone pass on x.

    A pretrained stem is repeated over the three parts and rescaled.
    """

    name, family, needs, symmetric = "stack_diff", "input", "pixels", False
    paper = "Daudt et al., 2018, FC-EF, with the difference image added"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b, (a - b).abs()], dim=1)

    def joined(self, image: MapShape) -> MapShape:
        return MapShape(3 * image.channels, image.height, image.width)
