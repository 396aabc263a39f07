"""Multiplicative interaction of the two projected embeddings."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .bilinear_form import BilinearForm


@register
class MultiplicativeInteraction(Fusion):
    """Multiplicative interaction: ``f_k = p' W_k q + U_k p + V_k q + c_k`` with ``p = P u``, ``q = P v``, (B, D) twice
    -> (B, width).

    The first-order terms stand beside the bilinear one. W_k is symmetric and U = V; ``shared=false`` is the form of
    the paper, with W, U, V and the two projections free.
    """

    name, family, needs, symmetric = "multiplicative_interaction", "bilinear", "embedding", True
    paper = "Jayakumar et al., 2020, Multiplicative interactions and where to find them"

    def __init__(self, spec: FeatureSpec, rank: int = 32, width: int = 64, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, rank)
        self.right = self.left if shared else nn.Linear(spec.dim, rank)
        self.form = BilinearForm(rank, width, symmetric=shared)
        self.of_left = nn.Linear(rank, width, bias=False)
        self.of_right = self.of_left if shared else nn.Linear(rank, width, bias=False)
        self.bias = nn.Parameter(self.form.weight.new_zeros(width))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        p, q = self.left(a), self.right(b)
        return self.form(p, q) + self.of_left(p) + self.of_right(q) + self.bias
