"""Difference of the two feature maps."""

from torch import Tensor

from bench.fusion import FeatureSpec, register

from .map_join import MapJoin


@register
class FeatureMapDifference(MapJoin):
    """Siamese difference: ``f = mean_xy(relu(conv(|P - Q|)))``, (B, C, H, W) twice -> (B, width).

    Position is compared with the same position, so it assumes that the images are aligned. With ``stage=k``,
    ``|P - Q|`` after stage k goes on through the backbone.
    """

    name, needs, symmetric = "fmap_diff", "map", True
    paper = "Daudt et al., 2018, Fully convolutional siamese networks for change detection"

    def __init__(self, spec: FeatureSpec, width: int = 128, stage: int = -1) -> None:
        super().__init__(spec, stage, width)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        return (p - q).abs()
