"""The small vision transformer."""

from __future__ import annotations

import pytest
import torch

from bench.backbones import create_backbone
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model import IMAGE


def test_it_keeps_eight_by_eight_tokens() -> None:
    backbone = create_backbone("tiny_vit", IMAGE)
    assert backbone.spec.stages == (MapShape(128, 8, 8),) * 4
    assert backbone.spec.tokens == 64


def test_positions_tell_a_shifted_image_apart() -> None:
    """Without position embeddings, attention would see a set of patches."""
    torch.manual_seed(0)
    backbone = create_backbone("tiny_vit", IMAGE).eval()
    image = torch.zeros(1, 3, 32, 32)
    image[:, :, 8:12, 8:12] = 3
    shifted = image.roll((8, 8), (2, 3))
    with torch.no_grad():
        at_home, away = backbone.read(image, "embedding"), backbone.read(shifted, "embedding")
    assert (at_home - away).abs().max() > 1e-4


def test_other_sizes() -> None:
    assert create_backbone("tiny_vit", MapShape(3, 16, 24)).spec.map == MapShape(128, 4, 6)


def test_a_side_that_four_does_not_divide_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="30"):
        create_backbone("tiny_vit", MapShape(3, 30, 30))
