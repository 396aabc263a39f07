"""Early fusion: stack the two images along the channels."""

import torch
from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, MapShape, register


@register
class TwoChannel(Fusion):
    """Channel stacking: ``x = [a; b]``, (B, 3, H, W) twice -> (B, 6, H, W), and one backbone pass on ``x``.

    The order of the pair matters, no embedding of a single image exists, and a pretrained stem is repeated over the
    second image and rescaled.
    """

    name, family, needs, symmetric = "two_channel", "input", "pixels", False
    paper = "Zagoruyko & Komodakis, 2015, Learning to compare image patches"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1)

    def joined(self, image: MapShape) -> MapShape:
        return MapShape(2 * image.channels, image.height, image.width)
