"""Backbones that are cut after the stage whose map is joined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench import zoo
from bench.backbones import BACKBONES
from bench.cost.macs import count_macs
from bench.errors import NotApplicableError
from bench.model import standardise
from bench.training.objectives import bce
from bench.training.pairs import FrozenModel

zoo.load()
Plugin = Callable[..., Path]

EARLY = """
@register
class Early(Fusion):
    '''Mean difference of the maps after a stage.'''

    name, family, needs, symmetric, paper = "early", "map", "map", True, "none"

    def __init__(self, spec: FeatureSpec, at: int = 1) -> None:
        super().__init__(out_dim=spec.stage(at).channels)
        self.map_stage = at

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs().mean((2, 3))
"""


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("stage", [0, 1, 2])
def test_the_map_after_the_stage_is_joined(models: Any, stage: int, backbone: str, plugin: Plugin) -> None:
    plugin(EARLY)
    model, (a, b) = models.build(f"early:at={stage}", backbone).eval(), models.images(3)
    whole = models.build("concat", backbone).backbone.eval()
    with torch.no_grad():
        p, q = whole.lower(standardise(torch.cat([a, b])), stage).chunk(2)
        assert torch.allclose(model(a, b), model.head((p - q).abs().mean((2, 3))).flatten(), atol=1e-5)
        assert torch.allclose(FrozenModel(model)(model.encode(a), model.encode(b)), model(a, b), atol=1e-5)


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_no_layer_behind_the_stage_is_kept_or_counted(models: Any, backbone: str, plugin: Plugin) -> None:
    plugin(EARLY)
    cut, whole = models.build("early:at=1", backbone).train(), models.build("concat", backbone)
    assert len(cut.backbone.stages) == 2
    assert isinstance(cut.backbone.embedding, nn.Identity)
    bce(cut(*models.images(4)), torch.tensor([0, 1, 0, 1])).backward()
    assert [name for name, p in cut.named_parameters() if p.grad is None] == []
    ours, theirs = count_macs(cut), count_macs(whole)
    assert ours.total - ours.fusion < theirs.total - theirs.fusion


def test_encodings_of_different_stages_are_told_apart(models: Any, plugin: Plugin) -> None:
    """They are cached under what the model reads."""
    plugin(EARLY)
    read = [models.build(f"early:at={stage}").reads for stage in range(3)]
    assert len({*read, models.build("fmap_diff").reads}) == 4


def test_the_256_channel_stage_of_resnet18_may_be_smaller_than_4x4(models: Any) -> None:
    model = models.build("attention_gate:map_stage=2", "resnet18").eval()
    assert model.encode(models.images(3)[0]).shape == (3, 256, 2, 2)


def test_a_stage_out_of_range_is_not_applicable(models: Any, plugin: Plugin) -> None:
    plugin(EARLY)
    with pytest.raises(NotApplicableError, match="stage 3: the backbone has 3 stages"):
        models.build("early:at=3")
