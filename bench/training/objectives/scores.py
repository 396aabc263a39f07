"""Terms of scores: the classifier of pairs."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from bench.training.objectives.contract import Space, Term, balance, balanced_mean, positive, register_objective


def bce(scores: Tensor, label: Tensor) -> Tensor:
    """Binary cross-entropy on logits, with "same" and "different" weighted alike.

    Args:
        scores: (B,) logits. The sigmoid is in here; a fusion must not apply one.
        label: (B,) int64, 1 for same.
    """
    weight = balance(label, scores.dtype)
    return F.binary_cross_entropy_with_logits(scores, label.to(scores.dtype), weight=weight)


@register_objective
class BinaryCrossEntropy(Term):
    """``-y log p - (1 - y) log(1 - p)`` with ``p = sigmoid(score)``, same and different weighted alike."""

    name, reads = "bce", "scores"
    paper = "logistic regression; Cox, 1958"

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        return bce(scores, label)


@register_objective
class Hinge(Term):
    """``max(0, margin - t score)`` with t = 1 for same and -1 for different, which are weighted alike."""

    name, reads = "hinge", "scores"
    paper = "Zagoruyko & Komodakis, 2015, Learning to compare image patches via CNNs"

    def __init__(self, space: Space, margin: float = 1.0) -> None:
        super().__init__(space)
        positive("hinge", margin=margin)
        self.margin = margin

    def forward(self, scores: Tensor, label: Tensor) -> Tensor:
        return balanced_mean(F.relu(self.margin - (2 * label - 1) * scores), label)
