"""Backbones: the contract, the three named ones, and any timm model as ``timm:NAME``.

timm takes longer to import than torch: the modules that need it are imported when a backbone is first asked for.
"""

from __future__ import annotations

from bench.backbones.contract import BACKBONES, Backbone, Reads, build, register_backbone
from bench.fusion import MapShape

__all__ = [
    "BACKBONES",
    "Backbone",
    "Reads",
    "create_backbone",
    "register_backbone",
]


def create_backbone(name: str, image: MapShape, pretrained: bool = False) -> Backbone:
    """Build a backbone by name for images of one shape.

    Raises:
        UsageError: an unknown name, no map of 4x4 on such images, or pretrained weights that cannot be loaded.
    """
    return build(BACKBONES.get(name), image, pretrained)
