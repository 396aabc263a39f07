"""Terms of pairs of encoded images: near each other when same, apart when different.

Distances are between embeddings of length 1, from 0 to 2, so that a margin means the same for every backbone.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.errors import UsageError
from bench.training.objectives.contract import Space, Term, balanced_mean, positive, register_objective, unit


def distance(u: Tensor, v: Tensor) -> Tensor:
    """Euclidean distance (P,) of rows (P, D); its gradient at distance 0 is 0."""
    # The square root of a sum of squares has no finite gradient there; the norm of torch takes 0.
    return torch.linalg.vector_norm(u - v, dim=1)


@register_objective
class Contrastive(Term):
    """``y d^2 + (1 - y) max(0, margin - d)^2`` with the distance d of the embeddings, same and different alike.

    Args:
        margin: distance beyond which different pairs cost nothing.
        normalise: embeddings are scaled to length 1 first.
    """

    name, reads = "contrastive", "pairs"
    paper = "Hadsell et al., 2006, Dimensionality reduction by learning an invariant mapping"

    def __init__(self, space: Space, margin: float = 1.0, normalise: bool = True) -> None:
        super().__init__(space)
        positive("contrastive", margin=margin)
        self.margin, self.normalise = margin, normalise

    def forward(self, u: Tensor, v: Tensor, label: Tensor) -> Tensor:
        if self.normalise:
            u, v = unit(u), unit(v)
        near = (u - v).square().sum(1)
        apart = F.relu(self.margin - distance(u, v)).square()
        return balanced_mean(torch.where(label == 1, near, apart), label)


@register_objective
class DoubleMargin(Term):
    """``y max(0, d - near)^2 + (1 - y) max(0, far - d)^2``: same pairs need not coincide, which resists collapse.

    Args:
        near: distance up to which same pairs cost nothing. far: distance beyond which different pairs cost nothing.
    """

    name, reads = "double_margin", "pairs"
    paper = "Lin et al., 2015, DeepHash: getting regularization, depth and fine-tuning right"

    def __init__(self, space: Space, near: float = 0.5, far: float = 1.2) -> None:
        super().__init__(space)
        if not 0 <= near < far:
            raise UsageError(f"objective double_margin: near = {near:g}, far = {far:g}: expected 0 <= near < far")
        self.near, self.far = near, far

    def forward(self, u: Tensor, v: Tensor, label: Tensor) -> Tensor:
        d = distance(unit(u), unit(v))
        losses = torch.where(label == 1, F.relu(d - self.near), F.relu(self.far - d)).square()
        return balanced_mean(losses, label)


@register_objective
class CosineEmbedding(Term):
    """``y (1 - cos(u, v)) + (1 - y) max(0, cos(u, v) - margin)``, same and different alike.

    Args:
        margin: cosine below which different pairs cost nothing, from -1 to 1.
    """

    name, reads = "cosine_embedding", "pairs"
    paper = "Bromley et al., 1993, Signature verification using a siamese time delay neural network"

    def __init__(self, space: Space, margin: float = 0.0) -> None:
        super().__init__(space)
        if not -1 <= margin < 1:
            raise UsageError(f"objective cosine_embedding: margin = {margin:g}: expected -1 <= margin < 1")
        self.margin = margin

    def forward(self, u: Tensor, v: Tensor, label: Tensor) -> Tensor:
        cosine = (unit(u) * unit(v)).sum(1)
        return balanced_mean(torch.where(label == 1, 1 - cosine, F.relu(cosine - self.margin)), label)
