"""The warm-up ``rotation``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.model import standardise
from bench.training.warmup.classification import Classification
from bench.training.warmup.contract import register_warmup

QUARTERS = 4
RANK = 64


def turned(images: Tensor, quarters: Tensor) -> Tensor:
    """Square images (B, C, H, H), each turned counter-clockwise by a number (B,) of quarters."""
    ways = torch.stack([torch.rot90(images, k, (2, 3)) for k in range(QUARTERS)])
    return ways[quarters, torch.arange(len(images))]


class Turn(nn.Module):
    """Logits of the turn between two embeddings: (B, 2D) -> (B, 4).

    A product of the two, since neither half says anything by itself: one more layer on both beside each other does not
    get off the ground.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(dim, RANK), nn.Linear(dim, RANK)
        self.read = nn.Linear(RANK, QUARTERS)

    def forward(self, both: Tensor) -> Tensor:
        before, after = both.chunk(2, 1)
        return self.read(self.before(before) * self.after(after))


@register_warmup
class Rotation(Classification):
    """Tell by how many quarters an image was turned: 0, 90, 180 or 270 degrees.

    ``logits = W ((U e(x)) * (V e(turned x)))``, (B, 128) twice -> (B, 4); cross-entropy. The network sees the
    image before and after: where figures lie at any angle, no turned image can be told from one that was drawn so.
    ``relative=false`` is the classic form, ``logits = W e(turned x) + b``, for images that have an upright, such as
    photographs. Zhang et al., 2019, AET vs. AED; Gidaris et al., 2018, Unsupervised representation learning by
    predicting image rotations.
    """

    name = "rotation"
    columns = 1
    # Large figures lie in the middle wherever they are turned.
    recipe: ClassVar[Mapping[str, Any]] = {"easy_share": 0.0}
    # At the rate for naming, the loss is still on its first plateau after 10,000 images.
    lr_factor = 0.5

    def __init__(self, backbone: Backbone, domain: Domain, relative: bool = True) -> None:
        super().__init__(backbone, domain)
        self.relative = relative
        dim = backbone.spec.dim
        self.head = Turn(dim) if relative else nn.Linear(dim, QUARTERS)

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        quarters = (u[:, 0] * QUARTERS).long()
        after = turned(images.pixels, quarters)
        return (torch.cat([images.pixels, after], 1) if self.relative else after), quarters

    def forward(self, shown: Tensor) -> Tensor:
        if not self.relative:
            return super().forward(shown)
        both = standardise(torch.cat(shown.chunk(2, 1)))
        return self.head(torch.cat(self.backbone.read(both, "embedding").chunk(2), 1))
