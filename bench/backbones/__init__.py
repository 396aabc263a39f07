"""Backbones: the contract, the three named ones, and any timm model as ``timm:NAME``.

timm takes longer to import than torch: the modules that need it are imported when a backbone is first asked for.
"""

from __future__ import annotations

from bench.backbones.contract import BACKBONES, Backbone, Reads, build, register_backbone
from bench.backbones.preparation import STANDARDISED, Preparation, standardise
from bench.backbones.weights import Weights
from bench.fusion import MapShape

__all__ = [
    "BACKBONES",
    "STANDARDISED",
    "Backbone",
    "Preparation",
    "Reads",
    "Weights",
    "create_backbone",
    "register_backbone",
    "standardise",
]


def create_backbone(
    name: str, image: MapShape, weights: Weights | Preparation | None = None, trained: bool = True
) -> Backbone:
    """Build a backbone by name for images of one shape.

    Args:
        weights: that others trained, and for which images are prepared, or that preparation alone, for weights that
            are put in afterwards; None for random ones.
        trained: else they stay random, and images are prepared all the same.

    Raises:
        UsageError: an unknown name, no map of 4x4 on such images, or weights that cannot be loaded.
    """
    cls = BACKBONES.get(name)
    if weights is None:
        return build(cls, image)
    if isinstance(weights, Preparation):
        return build(cls, weights.enlarged(image)).prepared(weights, image)
    from bench.backbones.loading import started

    return started(cls, image, weights, trained)
