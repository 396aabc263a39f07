"""Training on the class of each image instead of on pairs, for references that know the names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.model import PairModel
from bench.training.pairs import PairLearner


class NameLearner(PairLearner):
    """Cross-entropy of the class of both images of each pair: the same images in the same order as for pairs."""

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        images = torch.cat([self.a[index], self.b[index]])
        target = torch.cat([self.class_a[index], self.class_b[index]])
        logits = self.model.fusion.name_logits(self.model.encode(images))
        return F.cross_entropy(logits, target), logits.argmax(1), target


def learner_of(model: PairModel) -> type[PairLearner]:
    """The learner for the supervision that the model's fusion states."""
    return NameLearner if model.fusion.supervision == "names" else PairLearner
