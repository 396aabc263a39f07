"""MobileNetV3-small for 32 pixels."""

from __future__ import annotations

from bench.backbones import create_backbone
from bench.fusion import MapShape
from bench.model import IMAGE


def test_it_ends_in_a_map_of_four_by_four() -> None:
    backbone = create_backbone("mobilenetv3_small_32", IMAGE)
    assert backbone.spec.stages == (MapShape(24, 8, 8), MapShape(48, 4, 4), MapShape(96, 4, 4))
    assert backbone.spec.map == backbone.spec.stages[-1]


def test_it_is_smaller_than_resnet18() -> None:
    sizes = {
        name: sum(p.numel() for p in create_backbone(name, IMAGE).parameters())
        for name in ("mobilenetv3_small_32", "tiny_vit", "resnet18")
    }
    assert sizes["mobilenetv3_small_32"] < sizes["tiny_vit"] < sizes["resnet18"]
