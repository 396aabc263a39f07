"""Non-local block from the positions of one map to those of the other."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, register

from .map_join import MapJoin


@register
class NonLocal(MapJoin):
    """Non-local gate: ``N(P, Q) = P + W softmax((X P)' (Y Q) / sqrt(d)) (Z Q)`` over all positions, both ways averaged:
    ``J = (N(P, Q) + N(Q, P)) / 2``, ``f = mean_xy(relu(conv(J)))``, (B, C, H, W) twice -> (B, width).

    X, Y and Z project each position to d = C / 2 numbers, W brings them back. With ``stage=k``, J goes on through the
    backbone; ``symmetric=false`` is the one-way form, ``J = N(P, Q)``.
    """

    name, needs, symmetric = "non_local", "map", True
    paper = "Wang et al., 2018, Non-local neural networks; Wang, Tran & Feiszli, 2020"

    def __init__(self, spec: FeatureSpec, width: int = 128, stage: int = -1, symmetric: bool = True) -> None:
        super().__init__(spec, stage, width)
        self.symmetric = symmetric
        channels = self.shape.channels
        inner = max(1, channels // 2)
        self.queries, self.keys, self.values = (nn.Linear(channels, inner, bias=False) for _ in range(3))
        self.out = nn.Linear(inner, channels, bias=False)

    def join(self, p: Tensor, q: Tensor) -> Tensor:
        gated = self._gate(p, q)
        return (gated + self._gate(q, p)) / 2 if self.symmetric else gated

    def _gate(self, p: Tensor, q: Tensor) -> Tensor:
        x, context = p.flatten(2).transpose(1, 2), q.flatten(2).transpose(1, 2)
        found = F.scaled_dot_product_attention(self.queries(x), self.keys(context), self.values(context))
        return p + self.out(found).transpose(1, 2).unflatten(2, p.shape[2:])
