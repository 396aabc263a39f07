"""Entropic optimal transport between the tokens of the two images."""

from math import log

import torch
from torch import Tensor, nn

from bench.errors import UsageError
from bench.fusion import FeatureSpec, Fusion, register

from .token_similarity import TokenSimilarity


@register
class Sinkhorn(Fusion):
    """Optimal transport: ``score = b - s <Pi, cost>`` with learned s and b, (B, L, D) twice -> (B,).

    ``cost_ij = 1 - C_ij`` with the cosine C of projected tokens; ``Pi = argmin <Pi, cost> + eps KL(Pi | 1/L^2)`` over
    the plans with uniform marginals, by ``iterations`` Sinkhorn steps.
    """

    name, family, needs, symmetric = "sinkhorn", "matching", "tokens", True
    paper = "Cuturi, 2013; Feydy et al., 2019 (symmetric updates); Zhang et al., 2020, DeepEMD"
    head = "score"

    def __init__(
        self, spec: FeatureSpec, width: int = 64, eps: float = 0.1, iterations: int = 20, scale: float = 8.0
    ) -> None:
        super().__init__(out_dim=1)
        if eps <= 0:
            raise UsageError(f"fusion sinkhorn: eps={eps} must be above 0")
        self.eps, self.iterations = eps, iterations
        self.similarity = TokenSimilarity(spec.token_dim, width)
        self.scale = nn.Parameter(torch.tensor(scale))
        self.bias = nn.Parameter(torch.tensor(scale / 2))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        cost = 1 - self.similarity(a, b)
        plan = transport_plan(cost, self.eps, self.iterations)
        return self.bias - self.scale * (plan * cost).sum((1, 2))


def transport_plan(cost: Tensor, eps: float, iterations: int) -> Tensor:
    """Entropic transport plan between uniform marginals, (B, L, M) -> (B, L, M), in the log domain.

    Rows and columns are updated at once, each by half a step: alternating updates would satisfy the marginals of the
    side that comes last, and the plan of the swapped pair would not be the transpose.
    """
    kernel = -cost / eps - log(cost.shape[1]) - log(cost.shape[2])
    rows, columns = kernel.new_zeros(kernel.shape[:2]), kernel.new_zeros(kernel.shape[0], kernel.shape[2])
    for _ in range(iterations):
        to_rows = -log(cost.shape[1]) - (kernel + columns[:, None]).logsumexp(2)
        to_columns = -log(cost.shape[2]) - (kernel + rows[:, :, None]).logsumexp(1)
        rows, columns = (rows + to_rows) / 2, (columns + to_columns) / 2
    return (kernel + rows[:, :, None] + columns[:, None]).exp()
