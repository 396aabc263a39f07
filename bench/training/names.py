"""Training on the class of each image instead of on pairs, for references that know the names."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.model import PairModel
from bench.training.encodings import pooled
from bench.training.pairs import PairLearner


class NameLearner(PairLearner):
    """Cross-entropy of the class of both images of each pair: the same images in the same order as for pairs, whatever
    the objective of pairs is."""

    def _loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoded = self.model.encode(torch.cat([self.a[index], self.b[index]]))
        target = torch.cat([self.class_a[index], self.class_b[index]])
        logits = self.model.fusion.name_logits(encoded)
        loss = F.cross_entropy(logits, target)
        if self.auxiliary:
            loss = loss + self.auxiliary_loss(pooled(encoded), index)
        return loss, logits.argmax(1), target


def learner_of(model: PairModel) -> type[PairLearner]:
    """The learner for the supervision that the model's fusion states."""
    return NameLearner if model.fusion.supervision == "names" else PairLearner
