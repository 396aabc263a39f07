"""Difference of each position to a neighbourhood in the other image."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.fusion import FeatureSpec, register

from .map_join import MapJoin


@register
class NeighbourhoodDifference(MapJoin):
    """Cross-input neighbourhood differences: ``D(P, Q)_i = [relu(P_i - Q_{i + o})]_o`` over the offsets o of a window,
    ``J = relu(S D(P, Q)) + relu(S D(Q, P))``, ``f = mean_xy(relu(conv(J)))``, (B, C, H, W) twice -> (B, width).

    S is a 1x1 convolution from ``C window^2`` to C channels, shared by both directions; positions outside the map
    count as 0. The figure may lie half a window elsewhere in the other image. With ``stage=k``, J goes on through the
    backbone.
    """

    name, needs, symmetric = "neighbourhood_diff", "map", True
    paper = "Ahmed et al., 2015, An improved deep learning architecture for person re-identification"

    def __init__(self, spec: FeatureSpec, window: int = 3, width: int = 128, stage: int = -1) -> None:
        super().__init__(spec, stage, width)
        if window < 1 or window % 2 == 0:
            raise UsageError(f"fusion neighbourhood_diff: window must be an odd number of positions, got {window}")
        self.window = window
        self.summary = nn.Conv2d(self.shape.channels * window**2, self.shape.channels, 1)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        return self._differences(p, q) + self._differences(q, p)

    def _differences(self, p: Tensor, q: Tensor) -> Tensor:
        windows = F.unfold(q, self.window, padding=self.window // 2).unflatten(1, (q.shape[1], -1))
        differences = (p.flatten(2).unsqueeze(2) - windows).relu()
        return self.summary(differences.flatten(1, 2).unflatten(2, p.shape[2:])).relu()
