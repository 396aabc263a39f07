"""Sum of the two projected embeddings."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class Sum(Fusion):
    """Linear sum: ``f = relu(W u + W v)``, (B, D) twice -> (B, width).

    A sum of two codes says little about their difference: a lower bound. ``shared=false`` gives each image its own W.
    """

    name, family, needs, symmetric = "sum", "embedding", "embedding", True
    paper = "Ben-younes et al., 2019, BLOCK (its baseline LinearSum)"

    def __init__(self, spec: FeatureSpec, width: int = 128, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, width)
        self.right = self.left if shared else nn.Linear(spec.dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (self.left(a) + self.right(b)).relu()
