"""Training on pairs: the learner of a PairModel, on images or on frozen features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.model import PairModel
from bench.model.encodings import pooled
from bench.training.augment import Augmenter
from bench.training.auxiliary import Auxiliary, Targets
from bench.training.loop import decay_groups
from bench.training.objectives import Batch, Objective, Space
from bench.training.recipe import Recipe


class FrozenModel(PairModel):
    """Fusion and head of a model behind its frozen encoder: ``a`` and ``b`` are encoded images."""

    encodes_separately = True

    def __init__(self, model: PairModel) -> None:
        nn.Module.__init__(self)
        self.fusion, self.head, self.backbone = model.fusion, model.head, None
        self._compare = model.compare
        self._symmetric = model.symmetric
        self._device = model.device
        self.precision = model.precision

    @property
    def device(self) -> torch.device:
        return self._device

    @property
    def symmetric(self) -> bool:
        return self._symmetric

    def encode(self, images: Tensor) -> Tensor:
        return images

    def encode_pairs(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a, b

    def compare(self, a: Tensor, b: Tensor) -> Tensor:
        return self._compare(a, b)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.compare(a, b)


def pairings(recipe: Recipe, model: PairModel) -> int:
    """How many labelled pairs are made of each pair drawn: an image that is encoded by itself is paired again."""
    if model.fusion.supervision == "names" or not model.encodes_separately:
        return 1
    return min(recipe.pairs_per_image, recipe.batch_size)


class PairLearner:
    """Loss of a batch of pairs, with each encoded image paired ``recipe.pairs_per_image`` times within the batch.

    What the objective and the auxiliary heads learn besides the model is initialised from torch's global generator.

    Args:
        a, b: (N, ...) images or encoded images, on the device of the model.
        class_a, class_b: (N,) int64; two images are the same when their classes are.
        auxiliary: heads to train beside the model, with ``targets`` of A and of B.
        classes: how many there are; None for those that the pairs show. Validation pairs may show more than a few
            training pairs do.
        augment: alters the images of each batch that is trained on.

    Raises:
        NotApplicableError: something is trained on encoded images and the model has none.
    """

    def __init__(
        self,
        model: PairModel,
        recipe: Recipe,
        a: Tensor,
        b: Tensor,
        class_a: Tensor,
        class_b: Tensor,
        auxiliary: Auxiliary | None = None,
        targets: tuple[Targets, Targets] = ({}, {}),
        classes: int | None = None,
        augment: Augmenter | None = None,
    ) -> None:
        self.model, self.recipe, self.augment = model, recipe, augment
        self.a, self.b = a, b
        self.class_a, self.class_b = class_a.to(model.device), class_b.to(model.device)
        self.examples = len(a)
        self.auxiliary = auxiliary
        self.targets = tuple({name: side[name].to(model.device) for name in side} for side in targets)
        self.objective = Objective.parse(recipe.objective)
        self.reads_encodings = bool(self.objective.on_encodings)
        dim = _width(model, a) if self.reads_encodings or auxiliary else 0
        shown = int(torch.cat([class_a, class_b]).max()) + 1
        self.loss = self.objective.build(Space(dim, classes or shown))
        self.heads = auxiliary.heads(dim) if auxiliary else nn.ModuleDict()
        self.module: nn.Module = nn.ModuleList([model, self.loss, self.heads]).to(model.device)

    def parameter_groups(self) -> list[dict[str, object]]:
        backbone = [p for tower in self.model.towers for p in tower.parameters()]
        inside = set(map(id, backbone))
        joint = [p for p in self.module.parameters() if id(p) not in inside]
        decay = self.recipe.weight_decay
        return decay_groups(backbone, self.recipe.backbone_lr_scale, decay) + decay_groups(joint, 1.0, decay)

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        with self.model.casting():
            return self._loss(index)

    def _loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        rows = slice(int(index[0]), int(index[-1]) + 1) if _is_run(index) else index
        batch = self._batch(*self._shown(rows), self.class_a[rows], self.class_b[rows])
        loss, predictions, label = self._judged(batch)
        if self.auxiliary:
            loss = loss + self.auxiliary_loss(batch.encoded, rows)
        return loss, predictions, label

    def _shown(self, rows: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Images A and B as they are trained on now."""
        a, b = self.a[rows], self.b[rows]
        return self.augment(a, b) if self.augment else (a, b)

    def loss_of(self, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """:meth:`batch_loss` of pairs that are handed in, without auxiliary heads."""
        with self.model.casting():
            return self._judged(self._batch(a, b, class_a, class_b))

    def _judged(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        return self.loss(batch), (batch.scores > self._decision(batch)).long(), batch.label

    def auxiliary_loss(self, encoded: Tensor, rows: Tensor | slice) -> Tensor:
        """Loss () of the heads on the pooled encodings (2B, D) of the images A and B of ``rows``, each once."""
        assert self.auxiliary is not None
        first, second = self.targets
        targets = {name: torch.cat([first[name][rows], second[name][rows]]) for name in first}
        return self.auxiliary.loss(self.heads, encoded, targets)

    def validation_loss(self, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> float:
        """Mean objective over batches of pairs, made as in training, in evaluation mode and without auxiliary heads."""
        self.module.eval()
        parts = (a, b, class_a.to(a.device), class_b.to(a.device))
        batches = zip(*(part.split(self.recipe.batch_size) for part in parts), strict=True)
        with torch.inference_mode(), self.model.casting():
            return float(torch.stack([self.loss(self._batch(*batch)) for batch in batches]).mean())

    def _batch(self, a: Tensor, b: Tensor, class_a: Tensor, class_b: Tensor) -> Batch:
        """Every image encoded once and compared ``pairs_per_image`` times, or the pairs as drawn."""
        classes = torch.cat([class_a, class_b])
        times = pairings(self.recipe, self.model)
        if times == 1 and not self.reads_encodings and not self.auxiliary:
            scores, nothing = self.model(a, b), torch.empty(0)
            return Batch(scores, (class_a == class_b).long(), nothing, nothing, nothing, classes)
        both = self.model.encode(torch.cat([a, b]))
        scores = self.model.compare(*_paired(both, times))
        left, right = _paired(classes, times)
        label = (left == right).long()
        if not self.reads_encodings and not self.auxiliary:
            return Batch(scores, label, both, both, both, classes)
        encoded = pooled(both)
        return Batch(scores, label, *_paired(encoded, times), encoded, classes)

    def _decision(self, batch: Batch) -> Tensor | float:
        """The score above which a pair counts as same in the learning curve: 0, or halfway between the mean scores of
        same and different pairs where the objective does not train scores."""
        if self.objective.on_scores or batch.label.float().mean().item() in (0, 1):
            return 0.0
        same = batch.label == 1
        return (batch.scores[same].mean() + batch.scores[~same].mean()) / 2


def _paired(both: Tensor, times: int) -> tuple[Tensor, Tensor]:
    """Both sides (B * times, ...) of all pairings of the images A and B of a batch (2B, ...), each A with ``times``
    different B or with all. In one piece, because one large comparison is faster than several small ones."""
    first, second = both.chunk(2)
    shifts = range(min(times, len(second)))
    return torch.cat([first for _ in shifts]), torch.cat([second.roll(shift, 0) for shift in shifts])


def _width(model: PairModel, images: Tensor) -> int:
    """D of the pooled encodings that ``model`` makes of ``images``; the model stays in its mode and as it was."""
    training = model.training
    model.eval()
    with torch.no_grad():
        found = pooled(model.encode(images[:1])).shape[1]
    model.train(training)
    return found


def _is_run(index: Tensor) -> bool:
    return int(index[-1] - index[0]) + 1 == len(index) and bool((index.diff() == 1).all())


class NameLearner(PairLearner):
    """Cross-entropy of the class of both images of each pair: the same images in the same order as for pairs, whatever
    the objective of pairs is."""

    def _loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        encoded = self.model.encode(torch.cat(self._shown(index)))
        target = torch.cat([self.class_a[index], self.class_b[index]])
        logits = self.model.fusion.name_logits(encoded)
        loss = F.cross_entropy(logits, target)
        if self.auxiliary:
            loss = loss + self.auxiliary_loss(pooled(encoded), index)
        return loss, logits.argmax(1), target


def learner_of(model: PairModel) -> type[PairLearner]:
    """The learner for the supervision that the model's fusion states."""
    return NameLearner if model.fusion.supervision == "names" else PairLearner
