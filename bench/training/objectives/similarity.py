"""Terms of the cosine similarities between all images of a batch and their classes."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.training.objectives.contract import Space, Term, positive, register_objective, unit
from bench.training.objectives.triplet import same_and_other

NOTHING = float("-inf")


class Tempered(Term):
    """Base of the terms of cosine similarities divided by a temperature.

    Args:
        temperature: the smaller, the more the hardest other images count.
    """

    def __init__(self, space: Space, temperature: float = 0.1) -> None:
        super().__init__(space)
        positive(self.name, temperature=temperature)
        self.temperature = temperature

    def similarities(self, encoded: Tensor) -> Tensor:
        """``cos(z_i, z_j) / temperature``, (N, N)."""
        return cosines(encoded) / self.temperature


@register_objective
class InfoNCE(Tempered):
    """``-log(e_ap / (e_ap + sum_n e_an))`` with ``e_ij = exp(cos(z_i, z_j) / temperature)``, the mean over all pairs
    (a, p) of one class; n runs over the other classes."""

    name, reads = "infonce", "classes"
    paper = "van den Oord et al., 2018, Contrastive predictive coding; Chen et al., 2020, SimCLR"

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        similar = self.similarities(encoded)
        same, other = same_and_other(classes)
        others = similar.masked_fill(~other, NOTHING).logsumexp(1, keepdim=True)
        # log(1 + exp(others - similar)): a matrix for each anchor and positive would grow with the cube of the batch.
        return mean_where(F.softplus(others - similar), same)


@register_objective
class SupCon(Tempered):
    """``-1/|P(a)| sum_p log(e_ap / sum_{j != a} e_aj)`` with ``e_ij = exp(cos(z_i, z_j) / temperature)``, the mean over
    the anchors a that share their class with others, P(a)."""

    name, reads = "supcon", "classes"
    paper = "Khosla et al., 2020, Supervised contrastive learning (the loss out)"

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        similar = self.similarities(encoded)
        same, other = same_and_other(classes)
        total = similar.masked_fill(~(same | other), NOTHING).logsumexp(1, keepdim=True)
        positives = same.sum(1)
        losses = ((total - similar) * same).sum(1) / positives.clamp_min(1)
        return mean_where(losses, positives > 0)


@register_objective
class Circle(Term):
    """``log(1 + sum_n exp(g [s_n + m]+ (s_n - m)) sum_p exp(-g [1 + m - s_p]+ (s_p - 1 + m)))``, the mean over the
    anchors that have both; s are cosines to images of the same class (p) and of others (n).

    The factors [.]+ let the similarities that are farthest from their optimum learn fastest; no gradient flows through
    them.

    Args:
        margin: m, how far similarities may stay from 0 and 1. scale: g.
    """

    name, reads = "circle", "classes"
    paper = "Sun et al., 2020, Circle loss"

    def __init__(self, space: Space, margin: float = 0.25, scale: float = 64.0) -> None:
        super().__init__(space)
        positive("circle", margin=margin, scale=scale)
        self.margin, self.scale = margin, scale

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        s, m = cosines(encoded), self.margin
        same, other = same_and_other(classes)
        near = -self.scale * F.relu(1 + m - s.detach()) * (s - 1 + m)
        apart = self.scale * F.relu(s.detach() + m) * (s - m)
        both = same.any(1) & other.any(1)
        # Finite for anchors that lack one side: they are left out below, and their gradient must not be NaN.
        near = near.masked_fill(~same & both[:, None], NOTHING).logsumexp(1)
        apart = apart.masked_fill(~other & both[:, None], NOTHING).logsumexp(1)
        return mean_where(F.softplus(near + apart), both)


def cosines(encoded: Tensor) -> Tensor:
    """Cosine similarities (N, N) of all rows (N, D)."""
    z = unit(encoded)
    return z @ z.T


def mean_where(losses: Tensor, chosen: Tensor) -> Tensor:
    """Mean () of the chosen losses; 0, with a gradient of 0, where none is chosen."""
    return losses.masked_fill(~chosen, 0.0).sum() / chosen.sum().clamp_min(1)
