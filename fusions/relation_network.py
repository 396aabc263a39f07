"""Relation network over all pairs of a token of A and a token of B."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.fusion import FeatureSpec, Fusion, register


@register
class RelationNetwork(Fusion):
    """Relation network: ``f = mean_ij g(s_i, t_j) + g(t_j, s_i)``, (B, L, D) twice -> (B, width).

    ``g(x, y) = gelu(W gelu(P x + Q y + c) + d)``. Both orders of each cross pair make it symmetric; the mean in place
    of the paper's sum keeps the scale when L grows. Tokens carry no position, so their order does not matter.
    """

    name, family, needs, symmetric = "relation_network", "relational", "tokens", True
    paper = "Santoro et al., 2017, A simple neural network module for relational reasoning; Sung et al., 2018"

    def __init__(self, spec: FeatureSpec, width: int = 32) -> None:
        super().__init__(out_dim=width)
        self.first = nn.Linear(spec.token_dim, width)
        self.second = nn.Linear(spec.token_dim, width, bias=False)
        self.hidden = nn.Linear(width, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self._relate(a, b) + self._relate(b, a)

    def _relate(self, x: Tensor, y: Tensor) -> Tensor:
        # P x + Q y in place of a layer on [x; y]: each token is projected once, not once per pair.
        pairs = F.gelu(self.first(x)[:, :, None] + self.second(y)[:, None])
        return F.gelu(self.hidden(pairs)).mean((1, 2))
