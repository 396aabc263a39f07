"""Context normalisation over the pair."""

from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, register


@register
class PairNorm(Fusion):
    """Temporal context normalisation over two items: ``z_A = (u - m) / sqrt(var + eps)``, ``f = h(z_A) + h(z_B)``,
    (B, D) twice -> (B, width).

    Mean m and variance are those of u and v in each dimension, so ``z_B = -z_A``; ``h(z) = gelu(W z + c)`` is shared.
    Where u and v differ by more than ``sqrt(eps)`` a dimension is near +-1, whatever the difference: the paper's eps of
    1e-8 turns noise into signs. The default is of the size of an embedding's own variance.
    """

    name, family, needs, symmetric = "pair_norm", "relational", "embedding", True
    paper = "Webb et al., 2020, Learning representations that support extrapolation"

    def __init__(self, spec: FeatureSpec, width: int = 128, eps: float = 0.1) -> None:
        super().__init__(out_dim=width)
        if eps <= 0:
            raise UsageError(f"fusion pair_norm: eps={eps} must be above 0")
        self.eps = eps
        self.readout = nn.Linear(spec.dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        half = (a - b) / 2
        normed = half * (half.square() + self.eps).rsqrt()
        return F.gelu(self.readout(normed)) + F.gelu(self.readout(-normed))
