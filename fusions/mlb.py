"""Low-rank bilinear pooling by an elementwise product of projections."""

from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


@register
class LowRankBilinearPooling(Fusion):
    """Multimodal low-rank bilinear pooling: ``f = tanh(U u) * tanh(U v)``, (B, D) twice -> (B, width).

    ``shared=false`` is the form of the paper, with a projection V of its own for the second image.
    """

    name, family, needs, symmetric = "mlb", "bilinear", "embedding", True
    paper = "Kim et al., 2017, Hadamard product for low-rank bilinear pooling"

    def __init__(self, spec: FeatureSpec, width: int = 128, shared: bool = True) -> None:
        super().__init__(out_dim=width)
        self.symmetric = shared
        self.left = nn.Linear(spec.dim, width)
        self.right = self.left if shared else nn.Linear(spec.dim, width)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.left(a).tanh() * self.right(b).tanh()
