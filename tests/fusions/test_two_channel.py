"""Channel stacking."""

from __future__ import annotations

from typing import Any

import torch

from bench.fusion import MapShape


def test_two_channel_declares_what_it_joins(small: Any) -> None:
    fusion = small.build("two_channel")
    a, b = small.randn(2, small.batch, 3, 8, 8)
    joint = fusion(a, b)
    assert torch.equal(joint[:, :3], a)
    assert torch.equal(joint[:, 3:], b)
    assert fusion.joined(MapShape(3, 8, 8)) == MapShape(6, 8, 8)
