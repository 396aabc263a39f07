"""The warm-up ``names``."""

from __future__ import annotations

from torch import Tensor, nn

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.training.warmup.classification import Classification
from bench.training.warmup.contract import register_warmup


@register_warmup
class Names(Classification):
    """Name the shapes of a bank that excludes the task's shapes (default).

    A linear layer on the embedding, ``logits = W e + b``, (B, 128) -> (B, names); cross-entropy.
    """

    name = "names"
    by_name = True

    def __init__(self, backbone: Backbone, domain: Domain) -> None:
        super().__init__(backbone, domain)
        self.head = nn.Linear(backbone.spec.dim, len(domain.warmup_classes))

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        return images.pixels, images.latents["class"]
