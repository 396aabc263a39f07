"""A case: one fusion on one backbone, with seeded batches of what the fusion joins."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from bench.fusion import FeatureSpec, Fusion, MapShape
from bench.model import IMAGE, PairModel, Symmetrized, build_model, feature_spec
from bench.spec import Spec

Pair = tuple[Tensor, Tensor]


class CheckFailedError(Exception):
    """A fusion breaks its contract; the message says what is wrong and what usually causes it."""


class Joint(nn.Module):
    """A model from the join on: the fusion, the head and whatever of the backbone runs after the fusion.

    It takes what the fusion joins (standardised images, maps, tokens or embeddings) and returns scores (B,). Features
    drawn at random take the place of an encoder's: those of an untrained one are nearly equal for all images, and hide
    what a fusion does to them.
    """

    def __init__(self, model: PairModel) -> None:
        super().__init__()
        self.model = model

    @property
    def fusion(self) -> Fusion:
        """The fusion under test."""
        return self.model.fusion

    @property
    def head(self) -> nn.Module:
        """The head behind it."""
        return self.model.model.head if isinstance(self.model, Symmetrized) else self.model.head

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.model.join(a, b)


@dataclass(frozen=True)
class Case:
    """One fusion on one backbone.

    Raises:
        NotApplicableError: on first use of the model, if the combination makes no sense.
    """

    fusion: Spec
    backbone: str

    @cached_property
    def model(self) -> PairModel:
        """The whole model; checks that change it take a copy."""
        return build_model(self.fusion, self.backbone)

    @property
    def spec(self) -> FeatureSpec:
        """What the backbone hands to a fusion."""
        return feature_spec(self.backbone, IMAGE)

    def joint(self, seed: int | None = None) -> Joint:
        """A fresh copy of the model from the join on, initialised from ``seed`` where given."""
        model = self.model if seed is None else build_model(self.fusion, self.backbone, seed=seed)
        # An encoder of 11 million weights that the copy never runs would take longer to copy than the checks take.
        unused: dict[int, object] = {} if model.runs_after_join else {id(tower): None for tower in model.towers}
        return Joint(copy.deepcopy(model, unused))

    def shape(self) -> tuple[int, ...]:
        """Shape of one of the two things that the fusion joins."""
        fusion = self.model.fusion
        if fusion.sees == "likelihoods":
            return (self.spec.classes,)
        if fusion.needs == "embedding":
            return (self.spec.dim,)
        if fusion.needs == "tokens":
            return (self.spec.tokens, self.spec.token_dim)
        shape = self._map_shape()
        return (shape.channels, shape.height, shape.width)

    def _map_shape(self) -> MapShape:
        fusion = self.model.fusion
        if fusion.needs == "pixels":
            return self.spec.image
        if fusion.needs in ("stage", "exchange"):
            return self.spec.stage(fusion.stage)
        return self.spec.map if fusion.map_stage is None else self.spec.stage(fusion.map_stage)

    def features(self, n: int, seed: int = 0) -> Pair:
        """Standard-normal inputs of the fusion, n of each stream."""
        generator = torch.Generator().manual_seed(seed)
        a, b = torch.randn(2, n, *self.shape(), generator=generator)
        return _laid_out(a), _laid_out(b)

    def toy(self, n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
        """Inputs with labels that any fusion can tell: in same pairs (every other one), b is a with a little noise."""
        a, b = self.features(n, seed)
        label = torch.arange(n) % 2
        same = label.bool()
        b[same] = a[same] + 0.1 * b[same]
        return a, b, label

    def images(self, n: int, seed: int = 0) -> Pair:
        """Random uint8 images, n of each stream; likelihoods where the fusion sees those in their place."""
        if self.model.fusion.sees == "likelihoods":
            return self.features(n, seed)
        generator = torch.Generator().manual_seed(seed)
        shape = (2, n, self.spec.image.channels, self.spec.image.height, self.spec.image.width)
        a, b = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return a, b


def _laid_out(x: Tensor) -> Tensor:
    """Maps arrive channels last, as from a backbone: ``view`` instead of ``flatten`` fails on them."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def settle(joint: Joint, a: Tensor, b: Tensor) -> Joint:
    """Set the statistics of all BatchNorm layers from one batch and switch to evaluation mode.

    With the statistics of an untrained network, all scores would be nearly the same.
    """
    norms = [module for module in joint.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    joint.train()
    if norms:
        with torch.no_grad():
            joint(a, b)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return joint.eval()
