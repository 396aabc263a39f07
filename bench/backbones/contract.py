"""Contract of a backbone: a stem and stages, read out as a map, as tokens or as an embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from bench.backbones.preparation import STANDARDISED, Preparation
from bench.errors import UsageError
from bench.fusion import FeatureSpec, MapShape
from bench.registry import Choice, Registry
from bench.source import source_hash

MapReads = Literal["map", "tokens", "embedding"]
Reads = MapReads | int

EMBEDDING_DIM = 128
MIN_MAP = 4


class Embedding(nn.Module):
    """Global average pool, linear layer, BatchNorm: (B, C, H, W) -> (B, EMBEDDING_DIM).

    It ends without ReLU or Sigmoid: non-negative embeddings all point the same way, and every cosine is near 1. The
    BatchNorm centres them for the same reason.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.project = nn.Linear(channels, EMBEDDING_DIM)
        self.norm = nn.BatchNorm1d(EMBEDDING_DIM)

    def forward(self, feature_map: Tensor) -> Tensor:
        return self.norm(self.project(feature_map.mean((2, 3))))


class Backbone(nn.Module):
    """Base class of all backbones.

    A subclass is built as ``cls(image, pretrained)`` and hands its stem and stages to this constructor. Images of A
    and B always go through in one concatenated batch, so that BatchNorm sees both alike.

    Args:
        image: shape of one input image.
        stem: maps images to the first feature map.
        stages: each maps a feature map (B, C, H, W) to the next.

    Attributes:
        preparation: how images become what the stem is given; :meth:`prepared` changes it.
    """

    name: ClassVar[str]
    has_pretrained: ClassVar[bool] = False
    preparation: Preparation = STANDARDISED

    def __init__(self, image: MapShape, stem: nn.Module, stages: Sequence[nn.Module]) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(stages)
        self.embedding: nn.Module = nn.Identity()
        self.spec = self._measure(image)
        self.embedding = Embedding(self.spec.stages[-1].channels)

    def _measure(self, image: MapShape) -> FeatureSpec:
        """Run one blank image through to learn the shape after each stage."""
        was_training = self.training
        self.eval()
        shapes: list[MapShape] = []
        with torch.no_grad():
            features = self.stem(torch.zeros(1, image.channels, image.height, image.width))
            for stage in self.stages:
                features = stage(features)
                if features.ndim != 4:
                    given = f"stage {len(shapes) + 1} gives {tuple(features.shape)}"
                    raise UsageError(f"backbone {self.name}: {given}; expected (B, C, H, W)")
                shapes.append(MapShape(*features.shape[1:]))
        self.train(was_training)
        large = [shape for shape in shapes if min(shape.height, shape.width) >= MIN_MAP]
        if not large:
            raise UsageError(
                f"backbone {self.name}: no stage keeps a map of {MIN_MAP}x{MIN_MAP} on {image.height}x{image.width} "
                "images"
            )
        return FeatureSpec(image, tuple(shapes), large[-1], EMBEDDING_DIM)

    def prepared(self, preparation: Preparation, image: MapShape) -> Backbone:
        """Prepare images of the shape ``image`` in this way from now on; returns this backbone, which was built for the
        shape that they have then."""
        self.preparation = preparation
        self.spec = replace(self.spec, image=image)
        return self

    @property
    def map_stage(self) -> int:
        """Index of the stage whose output is the ``map``."""
        return max(index for index, shape in enumerate(self.spec.stages) if shape == self.spec.map)

    def lower(self, images: Tensor, last: int) -> Tensor:
        """Feature map after stage ``last``: (B, 3, H, W) normalised -> (B, C, H', W')."""
        features = self.stem(self.preparation.enlarge(images))
        for stage in self.stages[: last + 1]:
            features = stage(features)
        return features

    def upper(self, features: Tensor, first: int) -> Tensor:
        """Embedding (B, D) from the map that goes into stage ``first``."""
        for stage in self.stages[first:]:
            features = stage(features)
        return self.embedding(features)

    def read(self, images: Tensor, reads: Reads) -> Tensor:
        """Encode images (B, 3, H, W) as ``map`` (B, C, H, W), ``tokens`` (B, L, C) or ``embedding`` (B, D); a number
        reads the map after that stage."""
        if isinstance(reads, int):
            return self.lower(images, reads)
        return self.read_map(self.lower(images, self.map_stage), reads)

    def read_map(self, feature_map: Tensor, reads: MapReads) -> Tensor:
        """What :meth:`read` goes on to make of the ``map`` (B, C, H, W)."""
        if reads == "embedding":
            return self.upper(feature_map, self.map_stage + 1)
        return feature_map.flatten(2).transpose(1, 2) if reads == "tokens" else feature_map

    def keep_only(self, reads: Reads) -> None:
        """Drop the layers that ``read(..., reads)`` never uses, so that they are neither trained nor counted."""
        if reads != "embedding":
            self.stages = self.stages[: self._last_stage(reads) + 1]
            self.embedding = nn.Identity()

    def _last_stage(self, reads: Reads) -> int:
        return reads if isinstance(reads, int) else self.map_stage


def build(cls: type[Backbone], image: MapShape, pretrained: bool = False) -> Backbone:
    """Build a backbone the way every subclass is built.

    Raises:
        UsageError: there are no pretrained weights, or the backbone cannot take such images.
    """
    if pretrained and not cls.has_pretrained:
        raise UsageError(f"no pretrained weights for {cls.name}: it has no ImageNet weights; use --warmup names")
    try:
        return cls(image, pretrained)  # type: ignore[call-arg, arg-type]
    except RuntimeError as error:
        size = f"{image.height}x{image.width}"
        raise UsageError(f"backbone {cls.name} cannot take images of {size} ({str(error).splitlines()[0]})") from error


def _check(cls: type[Backbone]) -> None:
    if not hasattr(cls, "name"):
        raise TypeError(f"backbone {cls.__name__} does not state 'name'")


BUILT_IN = tuple(f"bench.backbones.{name}" for name in ("from_timm", "mobilenetv3_small_32", "tiny_vit"))
TIMM = "timm:"


class _Backbones(Registry[Backbone]):
    """The registered ones, and any timm model as ``timm:NAME``."""

    def get(self, name: str) -> type[Backbone]:
        if not name.startswith(TIMM):
            return super().get(name)
        from bench.backbones.from_timm import timm_backbone

        return timm_backbone(name.removeprefix(TIMM))

    def __contains__(self, name: object) -> bool:
        return str(name).startswith(TIMM) or super().__contains__(name)

    def match(self, pattern: str) -> list[str]:
        return [pattern] if pattern.startswith(TIMM) else super().match(pattern)

    def _near(self, name: str) -> list[str]:
        import timm  # slow, and only a name that is not known asks for it

        return [*([f"{TIMM}{name}"] if timm.is_model(name) else []), *super()._near(name)]

    def identity(self, choice: Choice[Backbone]) -> Mapping[str, Any]:
        return {"name": choice.name, "source": source_hash(choice.cls)}


BACKBONES = _Backbones("backbone", _check, BUILT_IN, given=("image", "pretrained"))
register_backbone = BACKBONES.register
