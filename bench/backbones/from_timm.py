"""Any timm model as a backbone, and ResNet18 by name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import timm
from timm.layers.format import Format
from timm.models._features import FeatureListNet
from timm.models.efficientnet import EfficientNetFeatures
from timm.models.mobilenetv3 import MobileNetV3Features
from torch import Tensor, nn

from bench.backbones.contract import Backbone, register_backbone
from bench.backbones.depthwise import use_fast_depthwise
from bench.errors import UsageError
from bench.fusion import MapShape


def is_timm_model(model: str) -> bool:
    """Whether timm has a model of that name."""
    return bool(timm.is_model(model))


class Last(nn.Module):
    """The last feature map of a timm feature extractor that is no sequence of layers."""

    def __init__(self, extractor: nn.Module) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, images: Tensor) -> Tensor:
        return self.extractor(images)[-1]


def _create(model: str, image: MapShape, pretrained: bool) -> nn.Module:
    options: dict[str, Any] = {"pretrained": pretrained, "in_chans": image.channels, "features_only": True}
    if not timm.is_model(model):
        near = get_close_matches(model, timm.list_models(), n=3, cutoff=0.5)
        raise UsageError(f"unknown timm model {model!r}" + (f": did you mean {' or '.join(near)}?" if near else ""))
    try:
        return timm.create_model(model, **options, img_size=(image.height, image.width))
    except TypeError:
        return timm.create_model(model, **options)


def _split(model: str, extractor: nn.Module) -> tuple[nn.Module, Sequence[nn.Module]]:
    """Cut a timm feature extractor into stem and stages, after each layer whose output timm returns as a feature.

    Extractors that are no plain sequence (vision transformers) become a single stage.
    """
    if getattr(extractor, "output_fmt", Format.NCHW) != Format.NCHW:
        raise UsageError(f"backbone timm:{model} hands out maps in another layout than (B, C, H, W)")
    if isinstance(extractor, EfficientNetFeatures | MobileNetV3Features):
        before = (layer for name, layer in extractor.named_children() if name != "blocks")
        return nn.Sequential(*before), list(extractor.blocks)
    if not isinstance(extractor, FeatureListNet):
        return nn.Identity(), [Last(extractor)]
    groups: list[list[nn.Module]] = [[]]
    for name, layer in extractor.items():
        groups[-1].append(layer)
        if name in extractor.return_layers:
            groups.append([])
    stem, *stages = (nn.Sequential(*group) for group in groups if group)
    return stem, stages


class TimmBackbone(Backbone):
    """A timm model by name; subclasses set ``model``."""

    model: str
    has_pretrained = True

    def __init__(self, image: MapShape, pretrained: bool = False) -> None:
        try:
            extractor = _create(self.model, image, pretrained)
        except Exception as error:
            if not pretrained or isinstance(error, UsageError):
                raise
            raise UsageError(
                f"pretrained weights of timm:{self.model} cannot be loaded here ({type(error).__name__}); "
                "put them into the hub cache on a machine with network, or choose another warm-up"
            ) from error
        super().__init__(image, *_split(self.model, extractor))
        use_fast_depthwise(self)


@register_backbone
class ResNet18(TimmBackbone):
    """timm's ResNet18 with its stock stem.

    On 32 pixel images its maps have 8x8, 8x8, 4x4, 2x2 and 1x1 positions: ``map`` and ``tokens`` come from the second
    stage, the embedding from the last. He et al., 2016.
    """

    name = "resnet18"
    model = "resnet18"


def timm_backbone(model: str) -> type[TimmBackbone]:
    """Backbone class for ``timm:model``."""
    return type("TimmBackbone", (TimmBackbone,), {"name": f"timm:{model}", "model": model})
