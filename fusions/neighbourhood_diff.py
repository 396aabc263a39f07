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

    S is a linear layer from ``window^2 C`` to C channels, shared by both directions; positions outside the map
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
        self.summary = nn.Linear(window**2 * self.shape.channels, self.shape.channels)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        p, q = p.permute(0, 2, 3, 1), q.permute(0, 2, 3, 1)
        return (self._differences(p, q) + self._differences(q, p)).permute(0, 3, 1, 2)

    def _differences(self, p: Tensor, q: Tensor) -> Tensor:
        """(B, H, W, C) twice -> (B, H, W, C). Channels come last, so that a window is a view and nothing is copied."""
        half = self.window // 2
        around = F.pad(q, (0, 0, half, half, half, half)).unfold(1, self.window, 1).unfold(2, self.window, 1)
        differences = (p[:, :, :, None, None] - around.movedim(3, 5)).relu_()
        return self.summary(differences.flatten(3)).relu()
