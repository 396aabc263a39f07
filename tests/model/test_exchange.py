"""Two streams that meet in the middle of the backbone and both go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import zoo
from bench.backbones import BACKBONES
from bench.cost.macs import count_macs
from bench.errors import NotApplicableError
from bench.model import standardise
from bench.training.objectives import bce

zoo.load()
Plugin = Callable[..., Path]

SWAP = """
@register
class Swap(Fusion):
    '''Each stream takes half of the other; the embeddings are put one after the other.'''

    name, family, needs, symmetric, paper = "swap", "map", "exchange", False, "none"

    def __init__(self, spec: FeatureSpec, stage: int = 1) -> None:
        super().__init__(out_dim=2 * spec.dim)
        self.stage = stage

    def exchange(self, p: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        return p + q / 2, q + p / 2

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([a, b], dim=1)
"""


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("stage", [0, 2])
@torch.no_grad()
def test_both_streams_go_on_with_what_they_took(models: Any, stage: int, backbone: str, plugin: Plugin) -> None:
    plugin(SWAP)
    model = models.build(f"swap:stage={stage}", backbone).eval()
    tower, (a, b) = model.backbone, models.images(3)
    p, q = (tower.stem(standardise(side)) for side in (a, b))
    for part in tower.stages[: stage + 1]:
        p, q = part(p), part(q)
    streams = [p + q / 2, q + p / 2]
    for part in tower.stages[stage + 1 :]:
        streams = [part(side) for side in streams]
    u, v = (tower.embedding(side) for side in streams)
    expected = model.head(torch.cat([u, v], dim=1)).flatten()
    assert torch.allclose(model(a, b), expected, atol=1e-4)


def test_batchnorm_sees_both_streams_in_one_pass_before_and_after(models: Any, plugin: Plugin) -> None:
    plugin(SWAP)
    model = models.build("swap").train()
    sizes: list[int] = []
    for part in (model.backbone.stem, *model.backbone.stages, model.backbone.embedding):
        part.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    model(*models.images(3))
    assert sizes == [6] * 5


@pytest.mark.parametrize("fusion", ["mmtm", "cross_stitch"])
def test_a_shared_exchange_does_not_see_the_order(models: Any, fusion: str) -> None:
    """In training mode too, where a pass of each stream would give BatchNorm other statistics."""
    model, (a, b) = models.build(fusion).train(), models.images(8)
    assert torch.allclose(model(a, b), model(b, a), atol=1e-4)


@pytest.mark.parametrize("fusion", ["mmtm", "cross_stitch"])
def test_gradients_cross_from_stream_to_stream(models: Any, fusion: str) -> None:
    """The embedding of A depends on the image B."""
    model = models.build(fusion).eval()
    p, q = model.backbone.lower(model.together(*models.images(2)), 1).detach().chunk(2)
    q.requires_grad_()
    first, _ = model.fusion.exchange(p, q)
    model.backbone.upper(first, 2).sum().backward()
    assert q.grad is not None
    assert q.grad.abs().max() > 0


def test_every_layer_trains_and_is_counted_twice(models: Any) -> None:
    """Nothing is dropped, and both streams run through all of it, as in a siamese network."""
    model, siamese = models.build("mmtm").train(), models.build("concat")
    bce(model(*models.images(4)), torch.tensor([0, 1, 0, 1])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []
    one, other = count_macs(model), count_macs(siamese)
    assert one.total - one.fusion == other.total - other.fusion


@pytest.mark.parametrize("stage", [3, -1])
def test_a_stage_out_of_range_is_not_applicable(models: Any, stage: int, plugin: Plugin) -> None:
    plugin(SWAP)
    with pytest.raises(NotApplicableError, match=f"stage {stage}: the backbone has 3 stages"):
        models.build(f"swap:stage={stage}")


def test_without_exchange_the_class_says_what_is_missing(models: Any, plugin: Plugin) -> None:
    plugin(SWAP.replace("def exchange", "def other"))
    with pytest.raises(TypeError, match="Swap does not define exchange"):
        models.build("swap")(*models.images(1))
