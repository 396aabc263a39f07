"""The warm-up ``autoencoder``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.backbones import Backbone
from bench.domain import Domain, Images
from bench.fusion import MapShape
from bench.model import standardise
from bench.training.warmup.contract import Measure, WarmupTask, register_warmup
from bench.training.warmup.variance import explained_variance

EXPLAINED = Measure("explained_variance", "share", "higher")
WIDTH, LEAST_WIDTH = 64, 16
# In deviations of the image.
NEAR = 0.25


class Decoder(nn.Module):
    """A map (B, C, H, W) to an image: a 1x1 convolution, then a doubling and a 3x3 convolution for every halving."""

    def __init__(self, code: MapShape, image: MapShape) -> None:
        super().__init__()
        self.size = image.height, image.width
        width, height = WIDTH, code.height
        layers: list[nn.Module] = [nn.Conv2d(code.channels, width, 1), nn.ReLU(inplace=True)]
        while height < image.height:
            thinner, height = max(width // 2, LEAST_WIDTH), 2 * height
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, thinner, 3, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(thinner), nn.ReLU(inplace=True)]
            width = thinner
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, image.channels, 3, padding=1))

    def forward(self, code: Tensor) -> Tensor:
        image = self.layers(code)
        return image if image.shape[2:] == self.size else F.interpolate(image, self.size, mode="bilinear")


@register_warmup
class Autoencoder(WarmupTask):
    """Draw the image again from the deepest map.

    ``x' = decoder(map)``, (B, C, H, W) -> (B, 3, 32, 32), against the standardised pixels; mean squared error. Judged
    by the share of the variance of each pixel that it explains; ``mse`` stands beside it.
    """

    name = "autoencoder"
    trains = "position"
    measure = EXPLAINED
    # Nothing is gained from large plain figures: the loss falls from the start.
    recipe: ClassVar[Mapping[str, Any]] = {"easy_share": 0.0}

    def __init__(self, backbone: Backbone, domain: Domain) -> None:
        super().__init__(backbone, domain)
        self.head = Decoder(backbone.spec.stages[-1], domain.image)

    def examples(self, images: Images, u: Tensor) -> tuple[Tensor, Tensor]:
        return images.pixels, standardise(images.pixels)

    def forward(self, shown: Tensor) -> Tensor:
        last = len(self.backbone.stages)
        deepest = self.backbone.lower(standardise(shown), last - 1)
        with torch.no_grad():
            # Nothing here trains the embedding, but its BatchNorm must know the maps that fusions will read it from.
            self.backbone.upper(deepest, last)
        return self.head(deepest)

    def loss(self, outputs: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(outputs, target)

    def hits(self, outputs: Tensor, target: Tensor) -> Tensor:
        return (outputs - target).abs() < NEAR

    def assess(self, outputs: Tensor, target: Tensor) -> dict[str, float]:
        return {
            EXPLAINED.name: explained_variance(outputs, target),
            "mse": float(F.mse_loss(outputs, target)),
        }
