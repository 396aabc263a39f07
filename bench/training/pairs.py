"""Training on pairs: the learner of a PairModel, on images or on frozen features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.model import PairModel
from bench.training.loop import decay_groups
from bench.training.objectives import bce
from bench.training.recipe import Recipe


class FrozenModel(PairModel):
    """Fusion and head of a model behind its frozen encoder: ``a`` and ``b`` are encoded images."""

    encodes_separately = True

    def __init__(self, model: PairModel) -> None:
        nn.Module.__init__(self)
        self.fusion, self.head, self.backbone = model.fusion, model.head, None
        self._compare = model.compare
        self._symmetric = model.symmetric

    @property
    def symmetric(self) -> bool:
        return self._symmetric

    def encode(self, images: Tensor) -> Tensor:
        return images

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compare(a, b)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.compare(a, b)

    def both_orders(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return self.compare(a, b), self.compare(b, a)


class PairLearner:
    """Loss of a batch of pairs, with each encoded image paired ``recipe.pairs_per_image`` times within the batch.

    Args:
        a, b: (N, ...) images or encoded images.
        class_a, class_b: (N,) int64; two images are the same when their classes are.
    """

    def __init__(
        self, model: PairModel, recipe: Recipe, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor
    ) -> None:
        self.model, self.recipe = model, recipe
        self.module: nn.Module = model
        self.a, self.b, self.class_a, self.class_b = a, b, class_a, class_b
        self.examples = len(a)

    def parameter_groups(self) -> list[dict[str, object]]:
        backbone = list(self.model.backbone.parameters()) if self.model.backbone is not None else []
        inside = set(map(id, backbone))
        joint = [p for p in self.model.parameters() if id(p) not in inside]
        decay = self.recipe.weight_decay
        return decay_groups(backbone, self.recipe.backbone_lr_scale, decay) + decay_groups(joint, 1.0, decay)

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = slice(int(index[0]), int(index[-1]) + 1) if _is_run(index) else index
        a, b, class_a, class_b = self.a[rows], self.b[rows], self.class_a[rows], self.class_b[rows]
        times = self.recipe.pairs_per_image if self.model.encodes_separately else 1
        if times == 1:
            scores, label = self.model(a, b), (class_a == class_b).long()
        else:
            u, v = self.model.encode(torch.cat([a, b])).chunk(2)
            shifts = range(min(times, len(u)))
            scores = torch.cat([self.model.compare(u, v.roll(shift, 0)) for shift in shifts])
            label = torch.cat([(class_a == class_b.roll(shift)).long() for shift in shifts])
        return bce(scores, label), (scores > 0).long(), label


def _is_run(index: Tensor) -> bool:
    return int(index[-1] - index[0]) + 1 == len(index) and bool((index.diff() == 1).all())
