"""Late interaction: every token with its most similar token of the other image."""

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register

from .token_similarity import TokenSimilarity


@register
class MaxSim(Fusion):
    """Late interaction: ``score = s (mean_i max_j C_ij + mean_j max_i C_ij) / 2 + b`` with learned s and b,
    (B, L, D) twice -> (B,).

    ``C_ij`` is the cosine of projected tokens. Several tokens may choose the same partner, and only the chosen ones get
    a gradient.
    """

    name, family, needs, symmetric = "maxsim", "token", "tokens", True
    paper = "Khattab & Zaharia, 2020, ColBERT; Yao et al., 2022, FILIP"
    head = "score"

    def __init__(self, spec: FeatureSpec, width: int = 64, scale: float = 8.0) -> None:
        super().__init__(out_dim=1)
        self.similarity = TokenSimilarity(spec.token_dim, width)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(-scale / 2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        similarity = self.similarity(a, b)
        best = (similarity.amax(2).mean(1) + similarity.amax(1).mean(1)) / 2
        return self.scale * best + self.bias
