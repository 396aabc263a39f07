"""Auxiliary heads: linear read-outs of encoded images, trained beside the objective and dropped at evaluation."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.domain import Images, Latents
from bench.errors import UsageError
from bench.fusion import Fusion, MapShape

Targets = Mapping[str, Tensor]
Errors = dict[str, float]
# Variance of the cosine and sine of an angle that does not vary, with rounding; of any angle it is 1.
LEAST_SPREAD = 1e-6


class Readout(ABC):
    """What one head reads out of a pooled encoding.

    Attributes:
        latents: of the images, that it is trained on.
        width: numbers that the head predicts.
    """

    latents: ClassVar[tuple[str, ...]]
    width: int

    def __init__(self, image: MapShape, classes: int) -> None:
        self.image, self.classes = image, classes

    @abstractmethod
    def target(self, latents: Latents) -> Tensor:
        """What the head should predict: (N, width) float32, or (N,) int64 classes."""

    @abstractmethod
    def error(self, predicted: Tensor, target: Tensor) -> Errors:
        """Named errors of predictions (N, width) on test images."""

    def loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        """Mean squared error (), unless the head says otherwise."""
        return F.mse_loss(predicted, target)


class Centre(Readout):
    """Centre of the figure: x and y divided by width and height of the image. Error: root mean squared distance in
    pixels."""

    latents, width = ("x", "y"), 2

    def target(self, latents: Latents) -> Tensor:
        return torch.stack([latents["x"] / self.image.width, latents["y"] / self.image.height], dim=1).float()

    def pixels(self, centre: Tensor) -> Tensor:
        """Centres as they are predicted (N, 2) in pixels from the upper left corner of the image."""
        return centre * centre.new_tensor([self.image.width, self.image.height])

    def error(self, predicted: Tensor, target: Tensor) -> Errors:
        return {"rmse_px": float(self.pixels(predicted - target).square().sum(1).mean().sqrt())}


class Size(Readout):
    """Radius of the figure divided by the width of the image. Error: root mean squared, in pixels."""

    latents, width = ("radius",), 1

    def target(self, latents: Latents) -> Tensor:
        return (latents["radius"] / self.image.width).float()[:, None]

    def error(self, predicted: Tensor, target: Tensor) -> Errors:
        return {"rmse_px": float((predicted - target).square().mean().sqrt()) * self.image.width}


class Angle(Readout):
    """Angle of the figure: ``(cos k a, sin k a)`` for the harmonics k = 1 to 6.

    A figure that looks the same after a turn by 1/n determines only the harmonics that n divides, a square k = 4, and a
    circle none: the best prediction of all others is 0, so that no table of symmetries is needed. Error: for each
    harmonic the share of its variance that the head explains, 0 at chance and at most the share of images that have it;
    harmonics that do not vary, as those of upright figures, are left out.
    """

    latents, harmonics = ("angle",), 6
    width = 2 * harmonics

    def target(self, latents: Latents) -> Tensor:
        turns = latents["angle"][:, None] * torch.arange(1, self.harmonics + 1)
        return torch.cat([turns.cos(), turns.sin()], dim=1).float()

    def error(self, predicted: Tensor, target: Tensor) -> Errors:
        missed = (predicted - target).square().mean(0).view(2, -1).sum(0)
        spread = target.var(0, correction=0).view(2, -1).sum(0)
        shares = (1 - missed / spread).tolist()
        varies = (spread > LEAST_SPREAD).tolist()
        return {f"explained_{k}": shares[k - 1] for k in range(1, self.harmonics + 1) if varies[k - 1]}


class Name(Readout):
    """Class of the image, by cross-entropy. Error: accuracy."""

    latents = ("class",)

    def __init__(self, image: MapShape, classes: int) -> None:
        super().__init__(image, classes)
        self.width = classes

    def target(self, latents: Latents) -> Tensor:
        return latents["class"]

    def loss(self, predicted: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(predicted, target)

    def error(self, predicted: Tensor, target: Tensor) -> Errors:
        return {"accuracy": float((predicted.argmax(1) == target).float().mean())}


READOUTS: Mapping[str, type[Readout]] = {"centre": Centre, "size": Size, "angle": Angle, "name": Name}


class Auxiliary:
    """Which heads are trained with which weights, and what they should predict.

    Args:
        weights: by name of the head; 0 leaves it out.
        image: shape of one image. classes: number of classes.
    """

    def __init__(self, weights: Mapping[str, float], image: MapShape, classes: int) -> None:
        self.weights = {name: weight for name, weight in weights.items() if weight}
        self.readouts = {name: READOUTS[name](image, classes) for name in self.weights}

    def targets(self, images: Images) -> Targets:
        """What the heads should predict of each image, by head."""
        return {name: readout.target(images.latents) for name, readout in self.readouts.items()}

    def heads(self, dim: int) -> nn.ModuleDict:
        """One linear layer for each read-out, from encodings (N, dim)."""
        return nn.ModuleDict({name: nn.Linear(dim, readout.width) for name, readout in self.readouts.items()})

    def loss(self, heads: nn.ModuleDict, encoded: Tensor, targets: Targets) -> Tensor:
        """Weighted sum () of the losses of all heads on encodings (N, dim)."""
        losses = [
            weight * self.readouts[name].loss(heads[name](encoded), targets[name])
            for name, weight in self.weights.items()
        ]
        return torch.stack(losses).sum()

    def errors(self, heads: nn.ModuleDict, encoded: Tensor, targets: Targets) -> dict[str, Errors]:
        """Weight and error of each head on encodings (N, dim) of test images."""
        with torch.inference_mode():
            return {
                name: {"weight": weight, **self.readouts[name].error(heads[name](encoded), targets[name])}
                for name, weight in self.weights.items()
            }


def auxiliary_weights(fusion: Fusion | type[Fusion], chosen: Mapping[str, float]) -> dict[str, float]:
    """Weights of the heads: those that the fusion states, with what the user has ``chosen`` over them."""
    return {name: weight for name, weight in {**fusion.auxiliary, **chosen}.items() if weight}


def missing_latents(weights: Mapping[str, float], known: Collection[str]) -> str:
    """What the heads need and is not ``known`` of the images, in words; empty where nothing is missing."""
    lacking = {name: [one for one in READOUTS[name].latents if one not in known] for name in weights}
    parts = [f"{' and '.join(missing)} for the head {name}" for name, missing in lacking.items() if missing]
    return f"the images come without {', '.join(parts)}" if parts else ""


def check_weights(weights: Mapping[str, float]) -> None:
    """Raise ``UsageError`` for an unknown head or a weight that is negative or not finite."""
    for name, weight in weights.items():
        if name not in READOUTS:
            raise UsageError(f"auxiliary: unknown head {name!r}; expected some of {', '.join(READOUTS)}")
        if not 0 <= weight < math.inf:
            raise UsageError(f"auxiliary: {name} = {weight}: expected a weight of 0 or more")
