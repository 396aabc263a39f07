"""The warm-up ``supcon``."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.training.objectives import Space, similarity
from bench.training.objectives.similarity import cosines
from bench.training.warmup.contract import Measure, WarmupTask, register_warmup

RECALL = Measure("recall_at_1", "share", "higher")


@register_warmup
class SupCon(WarmupTask):
    """Draw images of one name together and apart from all others: supervised contrastive.

    The objective ``supcon`` on the embeddings (B, D) and the names of the bank. Judged by ``recall_at_1``: how often
    the nearest other held-out image has the same name. Khosla et al., 2020, Supervised contrastive learning; without
    its projection head, whose outputs all became alike.
    """

    name = "supcon"
    by_name = True
    measure = RECALL

    def __init__(self, backbone: Backbone, domain: Domain, temperature: float = 0.2) -> None:
        super().__init__(backbone, domain)
        self.head = nn.Identity()
        self.term = similarity.SupCon(Space(backbone.spec.dim, len(domain.warmup_classes)), temperature)

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        return images.pixels, images.latents["class"]

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        return self.term(outputs, target)

    def hits(self, outputs: Tensor, target: Tensor) -> Tensor:
        nearest = cosines(outputs).fill_diagonal_(-torch.inf).argmax(1)
        return target[nearest] == target

    def assess(self, outputs: Tensor, target: Tensor) -> dict[str, float]:
        return {RECALL.name: float(self.hits(outputs, target).float().mean())}
