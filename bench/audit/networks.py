"""The networks of an audit: one that reads an image, one that reads a pair, both from the domain's warm-up.

They are fine-tuned, since a probe of the frozen backbone would miss what the warm-up taught it to discard: what does
not name a shape, such as a colour, may be the leak.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from bench.audit.draws import BACKBONE, Draws
from bench.backbones import create_backbone
from bench.domain import Pairs
from bench.evaluation.scoring import score_pairs
from bench.fusion import FeatureSpec, Fusion
from bench.model import PairModel, standardise
from bench.model.kinds import SeparateModel
from bench.training import warmup
from bench.training.loop import batches, decay_groups, fit
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe, declared_recipe

TRAIN_PAIRS = 6_400
SCORE_BATCH = 256


class ImageNetwork(nn.Module):
    """Backbone and linear layer: uint8 images (B, 3, H, W) -> logits (B, answers)."""

    def __init__(self, draws: Draws, answers: int) -> None:
        super().__init__()
        self.backbone = create_backbone(BACKBONE, draws.domain.image)
        warmup.load_into(self.backbone, draws.warm_up())
        self.answer = nn.Linear(self.backbone.spec.dim, answers)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Tensor:
        return self.answer(self.backbone.read(standardise(images), "embedding"))


class _ImageLearner:
    """Cross-entropy of one answer per image."""

    def __init__(self, network: ImageNetwork, images: Tensor, answer: Tensor, weight_decay: float) -> None:
        self.module: nn.Module = network
        self.images, self.answer, self.weight_decay = images, answer, weight_decay
        self.examples = len(images)

    def parameter_groups(self) -> list[dict[str, object]]:
        return decay_groups(self.module.parameters(), 1.0, self.weight_decay)

    def batch_loss(self, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, answer = self.module(self.images[index]), self.answer[index]
        return F.cross_entropy(logits, answer), logits.argmax(1), answer


def train_on_images(draws: Draws, images: Tensor, answer: Tensor, answers: int) -> ImageNetwork:
    """Fine-tune on ``images`` (N, 3, H, W), one pass over the first ones; ``answer`` (N,) int64 below ``answers``."""
    recipe = _recipe(len(images))
    images, answer = images[: recipe.train_pairs], answer[: recipe.train_pairs]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draws.seed)
        network = ImageNetwork(draws, answers)
    _fit(_ImageLearner(network, images, answer, recipe.weight_decay), recipe, draws.seed)
    return network


def image_hits(network: ImageNetwork, images: Tensor, answer: Tensor) -> NDArray[np.bool_]:
    """Where the network is right, (N,) bool."""
    network.eval()
    with torch.inference_mode():
        given = torch.cat([network(part).argmax(1) for part in images.split(SCORE_BATCH)])
    return np.asarray((given == answer).numpy())


class Matching(Fusion):
    """Heuristic matching: ``f = [u + v; |u - v|; u * v]``, (B, D) twice -> (B, 3D). The audit's own: what it finds must
    not depend on which fusions are installed."""

    name, family, needs, symmetric = "matching", "embedding", "embedding", True
    paper = "Mou et al., 2016; Conneau et al., 2017, InferSent"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=3 * spec.dim)

    def forward(self, u: Tensor, v: Tensor) -> Tensor:
        return torch.cat([u + v, (u - v).abs(), u * v], dim=1)


def warm_pair_model(draws: Draws) -> PairModel:
    """:class:`Matching` on the warmed-up backbone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draws.seed)
        backbone = create_backbone(BACKBONE, draws.domain.image)
        torch.manual_seed(draws.seed)
        model = SeparateModel(Matching(backbone.spec), backbone, "embedding")
    warmup.load_into(backbone, draws.warm_up())
    return model.lay_out(torch.channels_last)


def joined_encodings(draws: Draws, pairs: Pairs) -> Tensor:
    """What :class:`Matching` makes of the frozen backbone's embeddings of pairs, (N, F)."""
    model = warm_pair_model(draws).eval()
    sides = zip(pairs.a.pixels.split(SCORE_BATCH), pairs.b.pixels.split(SCORE_BATCH), strict=True)
    with torch.no_grad():
        return torch.cat([model.fusion(model.encode(a), model.encode(b)) for a, b in sides])


def train_on_pairs(draws: Draws, a: Tensor, b: Tensor, label: Tensor) -> PairModel:
    """Fine-tune :class:`Matching` on pairs, one pass over the first ones.

    Args:
        a, b: (N, 3, H, W) uint8. label: (N,) int64, 1 for same.
    """
    recipe = _recipe(len(a))
    rows = slice(recipe.train_pairs)
    model = warm_pair_model(draws)
    # The learner calls a pair same when two numbers agree; here the label itself says it.
    learner = PairLearner(model, recipe, a[rows], b[rows], label[rows], torch.ones_like(label[rows]))
    _fit(learner, recipe, draws.seed)
    return model


def pair_hits(model: PairModel, a: Tensor, b: Tensor, label: Tensor) -> NDArray[np.bool_]:
    """Where the model is right, (N,) bool."""
    return np.asarray((score_pairs(model, a, b) > 0) == label.numpy().astype(bool))


def _recipe(examples: int) -> Recipe:
    # Only the pairs as drawn: other pairings of their images would hide what tells the drawn ones apart.
    return declared_recipe(
        BACKBONE, "finetune", {"train_pairs": min(examples, TRAIN_PAIRS), "pairs_per_image": 1, "patience": 0}
    )


def _fit(learner: PairLearner | _ImageLearner, recipe: Recipe, seed: int) -> None:
    order = batches(recipe.train_pairs, recipe.batch_size, recipe.epochs, seed)
    fit(learner, recipe, order, recipe.train_pairs // recipe.batch_size * recipe.epochs)
