"""ArcFace: naming the class of each image with an angular margin."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.training.objectives.contract import Space, Term, positive, register_objective, unit

EDGE = 1e-6


@register_objective
class ArcFace(Term):
    """Cross-entropy of ``scale cos(theta_j + margin [j = class])``; theta_j is the angle between the embedding and the
    learned direction of class j.

    Beyond theta = pi - margin, where the cosine would rise again, ``cos(theta) - margin sin(margin)`` takes its place.
    The directions (classes, D) are weights of the objective: trained with the model, dropped at evaluation.

    Args:
        margin: angle in radians, 0 to pi/2. scale: of the cosines.
    """

    name, reads = "arcface", "classes"
    paper = "Deng et al., 2019, ArcFace: additive angular margin loss for deep face recognition"

    def __init__(self, space: Space, margin: float = 0.5, scale: float = 16.0) -> None:
        super().__init__(space)
        positive("arcface", scale=scale)
        if not 0 <= margin < math.pi / 2:
            raise UsageError(f"objective arcface: margin = {margin:g}: expected 0 <= margin < pi/2")
        self.margin, self.scale = margin, scale
        self.directions = nn.Parameter(torch.randn(space.classes, space.dim))

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        # At an angle of exactly 0 or pi the sine has no finite gradient.
        cosine = (unit(encoded) @ unit(self.directions).T).clamp(-1 + EDGE, 1 - EDGE)
        sine = (1 - cosine.square()).sqrt()
        shifted = cosine * math.cos(self.margin) - sine * math.sin(self.margin)
        beyond = cosine < math.cos(math.pi - self.margin)
        shifted = torch.where(beyond, cosine - self.margin * math.sin(self.margin), shifted)
        own = F.one_hot(classes, cosine.shape[1]).bool()
        return F.cross_entropy(self.scale * torch.where(own, shifted, cosine), classes)
