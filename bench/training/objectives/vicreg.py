"""VICReg: a term against collapse."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.errors import UsageError
from bench.training.objectives.contract import Space, Term, register_objective
from bench.training.objectives.similarity import mean_where
from bench.training.objectives.triplet import same_and_other


@register_objective
class VICReg(Term):
    """``invariance I + variance V + covariance C`` of embeddings as they are, not scaled to length 1.

    I: mean squared difference of all pairs of one class, per dimension. V: mean of ``max(0, 1 - sqrt(var + 1e-4))``
    over the dimensions. C: sum of the squared covariances of different dimensions, divided by D. Images of one class
    take the place of the two views of one image.

    Args:
        invariance, variance, covariance: weights of the three parts.
    """

    name, reads = "vicreg", "classes"
    paper = "Bardes et al., 2022, VICReg: variance-invariance-covariance regularization"

    def __init__(self, space: Space, invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0) -> None:
        super().__init__(space)
        if min(invariance, variance, covariance) < 0:
            raise UsageError("objective vicreg: expected weights of 0 or more")
        self.invariance, self.variance, self.covariance = invariance, variance, covariance

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        n, dim = encoded.shape
        same, _ = same_and_other(classes)
        apart = (encoded[:, None] - encoded[None, :]).square().mean(2)
        centred = encoded - encoded.mean(0)
        covariance = centred.T @ centred / max(1, n - 1)
        spread = (covariance.diagonal() + 1e-4).sqrt()
        mixed = covariance.square().sum() - covariance.diagonal().square().sum()
        return (
            self.invariance * mean_where(apart, same)
            + self.variance * F.relu(1 - spread).mean()
            + self.covariance * mixed / dim
        )
