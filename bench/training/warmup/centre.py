"""The warm-up ``centre``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.training.warmup.contract import Measure, WarmupTask, register_warmup
from bench.training.warmup.variance import explained_variance

RMSE = Measure("rmse_px", "px", "lower")
NEAR = 1.0


@register_warmup
class Centre(WarmupTask):
    """Say where the centre of the figure lies.

    A linear layer on the embedding, ``c = W e + b``, (B, 128) -> (B, 2), against the centroid as a share of the way
    from the middle of the image (0) to its edges (-1 and 1); mean squared error. Judged by ``rmse_px``, the root mean
    square of the distance between the two in pixels.
    """

    name = "centre"
    measure = RMSE
    needs = ("x", "y")
    # Large figures have no room to lie elsewhere than in the middle.
    recipe: ClassVar[Mapping[str, Any]] = {"easy_share": 0.0}

    def __init__(self, backbone: Backbone, domain: Domain) -> None:
        super().__init__(backbone, domain)
        self.middle = torch.tensor([domain.image.width / 2, domain.image.height / 2])
        self.head = nn.Linear(backbone.spec.dim, 2)

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        centre = torch.stack([images.latents["x"], images.latents["y"]], 1)
        return images.pixels, centre / self.middle - 1

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(outputs, target)

    def pixels(self, centre: Tensor) -> Tensor:
        """Centres as they are answered, (B, 2), in pixels from the upper left corner of the image."""
        return (centre + 1) * self.middle.to(centre)

    def distance(self, outputs: Tensor, target: Tensor) -> Tensor:
        """Distance between each predicted and true centre, (B,) pixels."""
        return ((outputs - target) * self.middle.to(outputs)).square().sum(1).sqrt()

    def hits(self, outputs: Tensor, target: Tensor) -> Tensor:
        return self.distance(outputs, target) < NEAR

    def assess(self, outputs: Tensor, target: Tensor) -> dict[str, float]:
        rmse = float(self.distance(outputs, target).square().mean().sqrt())
        return {RMSE.name: rmse, "explained_variance": explained_variance(outputs, target)}
