"""MobileNetV3-small for 32 pixel images."""

from __future__ import annotations

from functools import partial

from timm.models._efficientnet_blocks import EdgeResidual, InvertedResidual, SqueezeExcite
from timm.models._efficientnet_builder import efficientnet_init_weights
from torch import nn

from bench.backbones.contract import Backbone, register_backbone
from bench.backbones.depthwise import use_fast_depthwise
from bench.fusion import MapShape


def _fused(channels: int, out: int, stride: int, expanded: int) -> nn.Module:
    return EdgeResidual(channels, out, 3, stride, exp_ratio=expanded / channels, act_layer=nn.Hardswish)


def _block(channels: int, out: int, stride: int, expanded: int) -> nn.Module:
    gate = partial(SqueezeExcite, rd_ratio=0.25)
    return InvertedResidual(
        channels,
        out,
        5,
        stride,
        exp_ratio=expanded / channels,
        act_layer=nn.Hardswish,
        se_layer=gate,  # type: ignore[arg-type]
    )


@register_backbone
class MobileNetV3Small32(Backbone):
    """The blocks of MobileNetV3-small, fewer of them and with gentler downsampling: 32 -> 16 -> 8 -> 4 pixels.

    Inverted residuals with squeeze-excite and hard-swish; the last map has 96 channels at 4x4. The two blocks of the
    first stage are fused (one dense 3x3 convolution in place of 1x1 and depthwise), as in MobileNetEdgeTPU: on a CPU
    that is as fast, and the naming warm-up takes off in half the images. Howard et al., 2019, Searching for
    MobileNetV3.
    """

    name = "mobilenetv3_small_32"

    def __init__(self, image: MapShape, pretrained: bool = False) -> None:
        stem = nn.Sequential(nn.Conv2d(image.channels, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
        stages = [
            nn.Sequential(_fused(16, 24, 2, 64), _fused(24, 24, 1, 72)),
            nn.Sequential(_block(24, 48, 2, 144), _block(48, 48, 1, 192), _block(48, 48, 1, 192)),
            _block(48, 96, 1, 288),
        ]
        super().__init__(image, stem, stages)
        efficientnet_init_weights(self)
        use_fast_depthwise(self)
        _keep_inputs_of_activations(self)


def _keep_inputs_of_activations(module: nn.Module) -> None:
    """The gradient of hard-swish needs its input: done in place, it costs a copy of it."""
    for layer in module.modules():
        if isinstance(layer, nn.Hardswish):
            layer.inplace = False
