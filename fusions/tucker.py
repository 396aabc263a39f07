"""Tucker decomposition of a bilinear join with its full core."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .bilinear_form import BilinearForm


@register
class Tucker(Fusion):
    """Tucker fusion: ``f = O z`` with ``z_k = p' T_k q``, ``p = tanh(P u)``, ``q = tanh(P v)``, (B, D) twice ->
    (B, width).

    The core T is full, (rank, rank, rank), and symmetric in its first two modes; ``shared=false`` is the form of the
    paper, with T free and a projection for each image.
    """

    name, family, needs, symmetric = "tucker", "bilinear", "embedding", True
    paper = "Tucker, 1966; Ben-younes et al., 2017, MUTAN (its full-core baseline)"

    def __init__(self, spec: FeatureSpec, rank: int = 32, width: int = 64, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, rank)
        self.right = self.left if shared else nn.Linear(spec.dim, rank)
        self.form = BilinearForm(rank, rank, symmetric=shared)
        self.out = nn.Linear(rank, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.out(self.form(self.left(a).tanh(), self.right(b).tanh()))
