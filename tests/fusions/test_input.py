"""Joins of the images themselves: what the backbone is given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from bench import zoo
from bench.backbones import BACKBONES, create_backbone
from bench.fusion import MapShape
from bench.model import IMAGE, build_model
from bench.spec import parse_spec
from bench.training.warmup import load_into

zoo.load()
IMAGE_8 = MapShape(3, 8, 8)


def test_side_by_side_shows_both_images_on_one_canvas(small: Any) -> None:
    fusion = small.build("side_by_side")
    a, b = small.randn(2, small.batch, 3, 8, 8)
    canvas = fusion(a, b)
    assert fusion.joined(IMAGE_8) == MapShape(3, 8, 16)
    assert torch.equal(canvas[..., :8], a)
    assert torch.equal(canvas[..., 8:], b)


def test_image_diff_is_the_distance_of_each_value(small: Any) -> None:
    fusion = small.build("image_diff")
    a, b = small.randn(2, small.batch, 3, 8, 8)
    pairs = zip(a.flatten().tolist(), b.flatten().tolist(), strict=True)
    torch.testing.assert_close(fusion(a, b).flatten(), torch.tensor([abs(x - y) for x, y in pairs]))
    assert fusion.joined(IMAGE_8) == IMAGE_8


def test_stack_diff_keeps_both_images_beside_their_difference(small: Any) -> None:
    fusion = small.build("stack_diff")
    a, b = small.randn(2, small.batch, 3, 8, 8)
    joint = fusion(a, b)
    assert fusion.joined(IMAGE_8) == MapShape(9, 8, 8)
    assert torch.equal(joint[:, :3], a)
    assert torch.equal(joint[:, 3:6], b)
    assert torch.equal(joint[:, 6:], torch.maximum(a - b, b - a))


def test_pseudo_siamese_joins_like_concat(small: Any) -> None:
    a, b = small.embeddings()
    assert torch.equal(small.build("pseudo_siamese")(a, b), small.build("concat")(a, b))


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_a_canvas_of_twice_the_width_starts_from_the_same_warm_up(backbone: str, tmp_path: Path) -> None:
    """Only the position table of a transformer has another size; it is stretched over the canvas."""
    warm, path = create_backbone(backbone, IMAGE), tmp_path / "warm-up.pt"
    torch.save(warm.state_dict(), path)
    tower = build_model(parse_spec("side_by_side"), backbone).backbone
    load_into(tower, path)
    assert tower.spec.image == MapShape(3, 32, 64)
    for name, value in tower.state_dict().items():
        before = warm.state_dict()[name]
        if value.shape == before.shape:
            assert torch.equal(value, before)
        else:
            assert name == "stem.positions"
            narrow = value.unflatten(1, (8, 8, 2)).mean(3).flatten()
            assert torch.corrcoef(torch.stack([narrow, before.flatten()]))[0, 1] > 0.98
