"""Triplet loss over all triplets of a batch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.training.objectives.contract import Space, Term, positive, register_objective, unit


@register_objective
class Triplet(Term):
    """``max(0, d(a, p) - d(a, n) + margin)``, the mean over the triplets (a, p, n) of the batch that are above 0.

    Image p has the class of the anchor a, image n another; d is the Euclidean distance of embeddings of length 1.
    A loss that stays at the margin is a collapsed encoder: all distances are 0. All triplets stand in memory at once,
    the cube of the number of images in the batch.

    Args:
        margin: by how much other classes should be farther away.
        normalise: embeddings are scaled to length 1 first.
    """

    name, reads = "triplet", "classes"
    paper = "Schroff et al., 2015, FaceNet; all triplets as in Hermans et al., 2017"

    def __init__(self, space: Space, margin: float = 0.2, normalise: bool = True) -> None:
        super().__init__(space)
        positive("triplet", margin=margin)
        self.margin, self.normalise = margin, normalise

    def forward(self, encoded: Tensor, classes: Tensor) -> Tensor:
        z = unit(encoded) if self.normalise else encoded
        # The fast mode by matrix product is off by 1e-3 where two images coincide.
        d = torch.cdist(z, z, compute_mode="donot_use_mm_for_euclid_dist")
        same, other = same_and_other(classes)
        losses = F.relu(d[:, :, None] - d[:, None, :] + self.margin)
        losses = losses * (same[:, :, None] & other[:, None, :])
        return losses.sum() / (losses > 0).sum().clamp_min(1)


def same_and_other(classes: Tensor) -> tuple[Tensor, Tensor]:
    """Which images (N, N) bool have the class of an anchor without being it, and which have another class."""
    equal = classes[:, None] == classes[None, :]
    return equal & ~torch.eye(len(classes), dtype=torch.bool, device=classes.device), ~equal
