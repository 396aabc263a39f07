"""How images are prepared for a backbone: each standardised by itself, or as weights that others trained expect it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.fusion import MapShape

Channels = tuple[float, float, float]


def standardise(
    images: Tensor, dtype: torch.dtype = torch.float32, memory_format: torch.memory_format = torch.channels_last
) -> Tensor:
    """uint8 images (B, 3, H, W) to ``dtype`` with mean 0 and deviation 1 over each image.

    Removing the mean and contrast of each image roughly halves the images that training needs.
    """
    x = images.to(dtype, memory_format=memory_format)
    mean = x.mean((1, 2, 3), keepdim=True)
    deviation = (x - mean).square().mean((1, 2, 3), keepdim=True).sqrt()
    return (x - mean) / (deviation + 1.0)


@dataclass(frozen=True)
class Scale:
    """What is taken off each channel of pixels from 0 to 255, and what they are then divided by.

    A single channel takes the means of the three.
    """

    mean: Channels
    deviation: Channels

    @classmethod
    def of_shares(cls, mean: Sequence[float], deviation: Sequence[float]) -> Scale:
        """From what holds for pixels from 0 to 1, as timm and torchvision state it."""
        red, green, blue = ((255 * m, 255 * d) for m, d in zip(mean, deviation, strict=True))
        return cls((red[0], green[0], blue[0]), (red[1], green[1], blue[1]))

    def __call__(self, images: Tensor, dtype: torch.dtype, memory_format: torch.memory_format) -> Tensor:
        x = images.to(dtype, memory_format=memory_format)
        mean, deviation = (x.new_tensor(values)[:, None, None] for values in (self.mean, self.deviation))
        if x.shape[1] == 1:
            mean, deviation = mean.mean(), deviation.mean()
        return (x - mean) / deviation


IMAGENET = Scale.of_shares((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Preparation:
    """What happens to images before the first layer.

    Attributes:
        scale: how pixels become numbers; None standardises each image by itself.
        size: pixels up to which the shorter side of smaller images is enlarged, after a fusion may have joined them; 0
            leaves them as they are.
    """

    scale: Scale | None = None
    size: int = 0

    def normalise(self, images: Tensor, dtype: torch.dtype, memory_format: torch.memory_format) -> Tensor:
        """uint8 images (B, 3, H, W) as numbers of ``dtype``."""
        return (
            standardise(images, dtype, memory_format)
            if self.scale is None
            else self.scale(images, dtype, memory_format)
        )

    def enlarged(self, image: MapShape) -> MapShape:
        """The shape in which the first layer sees an image."""
        factor = max(1.0, self.size / min(image.height, image.width))
        return MapShape(image.channels, round(factor * image.height), round(factor * image.width))

    def enlarge(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) in that shape, bilinearly."""
        shape = self.enlarged(MapShape(*images.shape[1:]))
        size = shape.height, shape.width
        if size == tuple(images.shape[2:]):
            return images
        return F.interpolate(images, size, mode="bilinear", align_corners=False)

    def identity(self) -> dict[str, Any]:
        """What of it is part of a key."""
        return asdict(self)


STANDARDISED = Preparation()
