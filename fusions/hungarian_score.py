"""Mean similarity of the optimal one-to-one matching of tokens."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .assignment import best_partners
from .token_similarity import TokenSimilarity


@register
class HungarianScore(Fusion):
    """Optimal assignment: ``score = s max_pi mean_i C_i,pi(i) + b`` with learned s and b, (B, L, D) twice -> (B,).

    C is the cosine of projected tokens and pi runs over all permutations. The gradient flows through the matched
    cosines only, not through the choice of pi. Solved on the CPU, pair by pair.
    """

    name, family, needs, symmetric = "hungarian_score", "matching", "tokens", True
    paper = "Kuhn, 1955, The Hungarian method for the assignment problem; Carion et al., 2020, DETR"
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 64, scale: float = 8.0) -> None:
        super().__init__(out_dim=1)
        self.similarity = TokenSimilarity(spec.token_dim, width)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(-scale / 2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        similarity = self.similarity(a, b)
        matched = similarity.gather(2, best_partners(similarity)[:, :, None])
        return self.scale * matched.mean((1, 2)) + self.bias
