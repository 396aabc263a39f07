"""Alignment of one map to the other before they are compared."""

import torch
from torch import Tensor, nn

from bench.errors import NotApplicableError
from bench.fusion import FeatureSpec, register

from .map_join import MapJoin


@register
class SpatialTransformer(MapJoin):
    """Align, then compare: ``D(P, Q) = |P - warp(Q; theta(P, Q))|``, ``J = (D(P, Q) + D(Q, P)) / 2``,
    ``f = mean_xy(relu(conv(J)))``, (B, C, H, W) twice -> (B, width).

    ``theta = I + linear(relu(conv([P; Q])))`` is an affine map (2, 3) of normalised coordinates that starts near the
    identity, and ``warp`` samples bilinearly, with 0 outside the map. With ``stage=k``, J goes on through the backbone;
    ``symmetric=false`` only warps Q, ``J = D(P, Q)``.
    """

    name, needs, symmetric = "spatial_transformer", "map", True
    paper = "Jaderberg et al., 2015, Spatial transformer networks"

    def __init__(
        self, spec: FeatureSpec, width: int = 128, hidden: int = 16, stage: int = -1, symmetric: bool = True
    ) -> None:
        super().__init__(spec, stage, width)
        channels, height, across = self.shape.channels, self.shape.height, self.shape.width
        if height * across == 1:
            raise NotApplicableError("spatial_transformer: a map of one position cannot be warped")
        self.symmetric = symmetric
        self.localise = nn.Sequential(
            nn.Conv2d(2 * channels, hidden, 3, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(hidden * height * across, 6),
        )
        # Not 0: exactly on a position, the bilinear weights have no slope.
        nn.init.normal_(self.localise[-1].weight, std=0.01)
        with torch.no_grad():
            self.localise[-1].bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        difference = self._difference(p, q)
        return (difference + self._difference(q, p)) / 2 if self.symmetric else difference

    def _difference(self, p: Tensor, q: Tensor) -> Tensor:
        return (p - warp(q, self.localise(torch.cat([p, q], dim=1)).unflatten(1, (2, 3)))).abs()


def warp(feature_map: Tensor, theta: Tensor) -> Tensor:
    """Sample maps (B, C, H, W) bilinearly where the affine maps ``theta`` (B, 2, 3) send each position, 0 outside.

    Coordinates run from -1 to 1 between the outer edges of the map, x first.
    """
    height, width = feature_map.shape[2:]
    x, y = (torch.arange(size, device=theta.device, dtype=theta.dtype) for size in (width, height))
    grid = torch.cartesian_prod((2 * y + 1) / height - 1, (2 * x + 1) / width - 1)
    to_x, to_y = (theta @ torch.stack([grid[:, 1], grid[:, 0], torch.ones_like(grid[:, 0])])).unbind(1)
    across = _weights(((to_x + 1) * width - 1) / 2, x)
    down = _weights(((to_y + 1) * height - 1) / 2, y)
    return torch.einsum("blh,blw,bchw->bcl", down, across, feature_map).unflatten(2, (height, width))


def _weights(at: Tensor, positions: Tensor) -> Tensor:
    """Bilinear weights (B, L, n) of n positions in a line for points ``at`` (B, L)."""
    return (1 - (at.unsqueeze(2) - positions).abs()).relu()
