"""Full bilinear join of the two projected embeddings."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .bilinear_form import BilinearForm


@register
class Bilinear(Fusion):
    """Full bilinear: ``f_k = p' W_k q + c_k`` with ``p = P u``, ``q = P v``, (B, D) twice -> (B, width).

    P projects to ``rank`` dimensions: on the embeddings themselves W would have D^2 width weights. W_k is symmetric;
    ``shared=false`` leaves it free and gives each image its own P.
    """

    name, family, needs, symmetric = "bilinear", "bilinear", "embedding", True
    paper = "Tenenbaum & Freeman, 2000, Separating style and content with bilinear models; Lin et al., 2015"

    def __init__(self, spec: FeatureSpec, rank: int = 32, width: int = 64, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, rank)
        self.right = self.left if shared else nn.Linear(spec.dim, rank)
        self.form = BilinearForm(rank, width, symmetric=shared)
        self.bias = nn.Parameter(self.form.weight.new_zeros(width))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.form(self.left(a), self.right(b)) + self.bias
