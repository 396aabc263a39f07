"""Pseudo-siamese models: a backbone for each image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench import zoo
from bench.conformance.suite import check_case
from bench.cost.counts import count_parameters
from bench.cost.macs import count_macs
from bench.model import standardise
from bench.sweep.config import load_config
from bench.sweep.plan import make_plan
from bench.training.loop import batches, fit
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe
from bench.training.warmup import load_into

zoo.load()
Plugin = Callable[..., Path]

DISTANT = """
@register
class Distant(Fusion):
    '''A symmetric join of two towers.'''

    name, family, needs, symmetric, paper = "distant", "input", "{needs}", {symmetric}, "none"
    towers = {towers}

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=spec.dim)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
"""


def distant(needs: str = "embedding", symmetric: bool = False, towers: int = 2) -> str:
    return DISTANT.format(needs=needs, symmetric=symmetric, towers=towers)


@torch.no_grad()
def test_each_image_has_its_own_tower(models: Any) -> None:
    model = models.build("pseudo_siamese").eval()
    a, b = models.images(3)
    u, v = (tower.read(standardise(side), "embedding") for tower, side in zip(model.towers, (a, b), strict=True))
    assert torch.allclose(model(a, b), model.head(torch.cat([u, v], 1)).flatten(), atol=1e-5)
    assert not model.encodes_separately


def test_the_towers_share_no_weight_and_both_train(models: Any) -> None:
    model = models.build("pseudo_siamese").train()
    first, second = model.towers
    assert not {id(p) for p in first.parameters()} & {id(p) for p in second.parameters()}
    model(*models.images(4)).square().sum().backward()
    for tower in model.towers:
        assert all(p.grad is not None for p in tower.parameters())
        assert sum(float(p.grad.abs().sum()) for p in tower.parameters()) > 0


def test_the_first_tower_is_the_backbone_of_every_other_fusion(models: Any) -> None:
    """Comparisons stay paired; from scratch, the second is drawn after it."""
    model, siamese = models.build("pseudo_siamese"), models.build("concat")
    state = siamese.backbone.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in model.towers[0].state_dict().items())
    assert not torch.equal(model.towers[1].stem[0].weight, state["stem.0.weight"])


def test_after_the_same_warm_up_both_encode_alike_until_they_train(models: Any, tmp_path: Path) -> None:
    model, warm = models.build("pseudo_siamese"), models.build("concat", seed=1).backbone
    torch.save(warm.state_dict(), tmp_path / "warm-up.pt")
    for tower in model.towers:
        load_into(tower, tmp_path / "warm-up.pt")
    before = [tower.stem[0].weight.clone() for tower in model.towers]
    assert torch.equal(*before)
    a, b = models.images(32)
    classes = torch.arange(32) % 4
    recipe = Recipe(train_pairs=32, batch_size=8)
    fit(PairLearner(model, recipe, a, b, classes, classes.roll(1)), recipe, batches(32, 8, 1, 0), 4)
    after = [tower.stem[0].weight for tower in model.towers]
    assert not any(torch.equal(x, y) for x, y in zip(before, after, strict=True))
    assert not torch.equal(*after)


def test_both_towers_train_at_the_rate_of_a_backbone(models: Any) -> None:
    model, recipe = models.build("pseudo_siamese"), Recipe(train_pairs=8, batch_size=8, backbone_lr_scale=0.25)
    classes = torch.arange(8)
    groups = PairLearner(model, recipe, *models.images(8), classes, classes).parameter_groups()
    slow = {id(p) for group in groups if group["lr"] == 0.25 for p in group["params"]}
    assert slow == {id(p) for tower in model.towers for p in tower.parameters()}
    assert {id(p) for group in groups if group["lr"] == 1 for p in group["params"]} == {
        id(p) for part in (model.fusion, model.head) for p in part.parameters()
    }


def test_two_towers_have_twice_the_parameters_and_do_the_same_work(models: Any) -> None:
    model, siamese = models.build("pseudo_siamese"), models.build("concat")
    ours, theirs = count_parameters(model), count_parameters(siamese)
    assert ours.fusion == theirs.fusion
    assert ours.total - ours.fusion == 2 * (theirs.total - theirs.fusion)
    assert ours.trainable == ours.total
    assert count_macs(model) == count_macs(siamese)


def test_two_towers_are_never_symmetric(models: Any, plugin: Plugin) -> None:
    plugin(distant())
    model, (a, b) = models.build("distant"), models.images(4)
    assert not model.symmetric
    assert (models.scores(model, a, b) - models.scores(model, b, a)).abs().max() > 1e-4
    assert models.build("distant:symmetrize=true").symmetric
    assert [result for result in check_case("distant", models.backbone) if result.problem] == []


@pytest.mark.parametrize("needs", ["map", "tokens"])
def test_two_towers_drop_what_neither_reads(models: Any, needs: str, plugin: Plugin) -> None:
    plugin(distant(needs).replace("spec.dim", "spec.token_dim").replace("(a - b).abs()", "(a - b).flatten(2).mean(2)"))
    for tower in models.build("distant", "resnet18").towers:
        assert len(tower.stages) == 2
        assert isinstance(tower.embedding, nn.Identity)


def test_towers_that_make_no_sense_are_refused(plugin: Plugin) -> None:
    for text, message in (
        (distant("pixels"), "two towers cannot be joined at pixels"),
        (distant(towers=3), "towers must be one of 1, 2"),
        (distant(symmetric=True), "two towers are never symmetric"),
    ):
        path = plugin(text, load=False)
        zoo.load([path])
        assert message in next(str(broken.error) for broken in zoo.broken_plugins() if broken.path == path)


def test_frozen_towers_would_be_one(models: Any) -> None:
    def reason(fusion: str, protocol: str) -> str:
        config = load_config({"fusion": fusion, "backbone": models.backbone, "protocol": protocol, "seed": "0"})
        return make_plan(config, {}).cells[0].reason

    expected = "the frozen protocol trains no tower, and the two of pseudo_siamese start alike: they would be one"
    assert reason("pseudo_siamese", "frozen") == expected
    assert reason("pseudo_siamese", "finetune") == ""
    assert "inside the backbone" in reason("mmtm", "frozen")
    assert "inside the backbone" in reason("film:stage=1", "frozen")
    assert reason("film", "frozen") == ""
