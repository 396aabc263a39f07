"""Feature-wise linear modulation of one map by the other image."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, register

from .map_join import MapJoin


@register
class FiLM(MapJoin):
    """Modulation: ``M(P, Q) = (1 + g(q)) * P + h(q)`` with ``q = mean_xy(Q)`` and linear g, h, both ways averaged:
    ``J = (M(P, Q) + M(Q, P)) / 2``, ``f = mean_xy(relu(conv(J)))``, (B, C, H, W) twice -> (B, width).

    g and h start near 0, so that each map first goes through as it is. With ``stage=k``, J goes on through the
    backbone; ``symmetric=false`` is the classic form, ``J = M(P, Q)``: B conditions how A is read.
    """

    name, needs, symmetric = "film", "map", True
    paper = "Perez et al., 2018, FiLM: Visual reasoning with a general conditioning layer"

    def __init__(self, spec: FeatureSpec, width: int = 128, stage: int = -1, symmetric: bool = True) -> None:
        super().__init__(spec, stage, width)
        self.symmetric = symmetric
        self.modulation = nn.Linear(self.shape.channels, 2 * self.shape.channels)
        nn.init.normal_(self.modulation.weight, std=0.02)
        nn.init.zeros_(self.modulation.bias)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        modulated = self._modulate(p, q)
        return (modulated + self._modulate(q, p)) / 2 if self.symmetric else modulated

    def _modulate(self, p: Tensor, q: Tensor) -> Tensor:
        scale, shift = self.modulation(q.mean((2, 3)))[:, :, None, None].chunk(2, dim=1)
        return (1 + scale) * p + shift
