"""Difference of the two feature maps."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class FeatureMapDifference(Fusion):
    """Siamese difference: ``f = mean_xy(relu(conv(|P - Q|)))``, (B, C, H, W) twice -> (B, width).

    Position is compared with the same position, so it assumes that the images are aligned.
    """

    name, family, needs, symmetric = "fmap_diff", "map", "map", True
    paper = "Daudt et al., 2018, Fully convolutional siamese networks for change detection"

    def __init__(self, spec: FeatureSpec, width: int = 128) -> None:
        super().__init__(out_dim=width)
        self.convolution = nn.Conv2d(spec.map.channels, width, 3, padding=1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.convolution((a - b).abs()).relu().mean((2, 3))
