"""Early fusion: the difference of the two images."""

from torch import Tensor

from bench.fusion import FeatureSpec, Fusion, register


@register
class ImageDifference(Fusion):
    """Difference image: ``x = |a - b|``, (B, 3, H, W) twice -> (B, 3, H, W), and one backbone pass on ``x``.

    Sees what changed and nothing else: of little use where colour, texture or place differ within a same pair.
    """

    name, family, needs, symmetric = "image_diff", "input", "pixels", True
    paper = "image differencing; Singh, 1989, Digital change detection techniques using remotely-sensed data"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
