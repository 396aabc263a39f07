"""References: what could be reached with knowledge that a fusion must not have. They are no competitors."""

import math

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, register


def log_odds_same(a: Tensor, b: Tensor) -> Tensor:
    """Log-odds that two images show the same class, from the log-likelihoods (B, K) of each.

    Same pairs are half of all, uniform over classes; different pairs are uniform over ordered pairs of classes.
    """
    classes = a.shape[1]
    joint = a[:, :, None] + b[:, None, :]
    same = torch.eye(classes, dtype=torch.bool, device=a.device)
    return joint[:, same].logsumexp(1) - joint[:, ~same].logsumexp(1) + math.log(classes - 1)


@register
class NameThenXnor(Fusion):
    """Name each image, then compare the names: ``score = log P(same) / P(different)`` of two class posteriors, (B, D)
    twice -> (B,).

    Trained on the class of each image with the same backbone and the same images in the same order. A fusion below it
    loses by how it joins.
    """

    name, family, role, needs, symmetric = "name_then_xnor", "reference", "reference", "embedding", True
    head, supervision = "score", "names"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=1)
        self.name_of = nn.Linear(spec.dim, spec.classes)

    def name_logits(self, encoded: Tensor) -> Tensor:
        return self.name_of(encoded)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return log_odds_same(self.name_logits(a).log_softmax(1), self.name_logits(b).log_softmax(1))


@register
class MaskOracle(NameThenXnor):
    """Name-then-XNOR on the true masks of the figures: ``score = log P(same) / P(different)``, (B, D) twice -> (B,).

    It need not find the figure, so it tells "cannot segment" from "cannot name".
    """

    name = "mask_oracle"
    sees = "mask"


@register
class TemplateOracle(Fusion):
    """The observer that knows how images are made: ``score = log P(same) / P(different)``, (B, K) twice -> (B,).

    The domain fits every shape at every place, size and angle to each image. The practical ceiling under noise.
    """

    name, family, role, needs, symmetric = "template_oracle", "reference", "reference", "embedding", True
    head, encoder, sees = "score", "none", "likelihoods"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=1)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return log_odds_same(a, b)
