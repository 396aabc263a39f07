"""Models by name: how they start, what of them trains, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bench import zoo
from bench.backbones import BACKBONES
from bench.errors import UsageError
from bench.fusion import FUSIONS, MapShape
from bench.model import IMAGE, feature_spec
from bench.training.objectives import bce
from tests.combinations import fusions_and_backbones, one_of_each_way

zoo.load()
Plugin = Callable[..., Path]
SMALL = MapShape(3, 16, 16)

# All but the reference that is given likelihoods in place of images.


# Initialisation


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_all_fusions_start_from_the_same_backbone(models: Any, backbone: str) -> None:
    """Weights that two fusions both use are equal: comparisons of fusions are paired."""
    tried = [name for name, on in fusions_and_backbones("template_oracle") if on == backbone]
    built = [
        models.build(name, backbone) for name in tried if FUSIONS.get(name).needs in ("map", "tokens", "embedding")
    ]
    whole = next(model for model in built if model.reads == "embedding").backbone.state_dict()
    for model in built:
        state = model.backbone.state_dict()
        assert state.keys() <= whole.keys()
        assert all(torch.equal(tensor, whole[name]) for name, tensor in state.items())


def test_a_seed_decides_everything(models: Any) -> None:
    first, again, other = models.build("concat"), models.build("concat"), models.build("concat", seed=1)
    for part in ("fusion", "backbone", "head"):
        state = getattr(first, part).state_dict()
        assert all(torch.equal(tensor, getattr(again, part).state_dict()[name]) for name, tensor in state.items())
    assert not torch.equal(first.head[0].weight, other.head[0].weight)
    assert not torch.equal(first.backbone.stem[0].weight, other.backbone.stem[0].weight)


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("fusion", ["concat", "joint_transformer", "two_channel", "pixel_distance"])
def test_building_leaves_the_global_random_state(models: Any, fusion: str, backbone: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    models.build(fusion, backbone)
    assert torch.equal(torch.rand(3), expected)


def test_building_does_not_depend_on_the_global_random_state(models: Any) -> None:
    torch.manual_seed(1)
    feature_spec.cache_clear()
    first = models.build("low_rank_bilinear")
    torch.manual_seed(2)
    second = models.build("low_rank_bilinear")
    assert all(
        torch.equal(x, y) for x, y in zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    )


# What trains


@pytest.mark.parametrize(
    ("fusion", "backbone"), fusions_and_backbones("pixel_distance", "random_encoder", "template_oracle")
)
def test_every_parameter_of_the_whole_model_trains(models: Any, fusion: str, backbone: str) -> None:
    """A layer that the fusion never reads would be counted as a cost and never trained."""
    image = SMALL if backbone != "resnet18" else IMAGE
    model = models.build(fusion, backbone, image=image).train()
    bce(model(*models.images(4, image=image)), torch.tensor([0, 1, 0, 1])).backward()
    assert [name for name, p in model.named_parameters() if p.grad is None] == []


def test_the_random_encoder_stays_as_it_is(models: Any) -> None:
    model = models.build("random_encoder").train()
    bce(model(*models.images(4)), torch.tensor([0, 1, 0, 1])).backward()
    assert all(p.grad is None for p in model.backbone.parameters())
    assert all(p.grad is not None for p in model.head.parameters())


def test_the_random_encoder_is_the_untrained_backbone(models: Any) -> None:
    random, plain = models.build("random_encoder"), models.build("abs_diff")
    a, b = models.images(4)
    assert torch.equal(models.scores(random, a, b), models.scores(plain, a, b))


def test_pixel_distance_has_no_backbone(models: Any) -> None:
    model = models.build("pixel_distance")
    assert model.backbone is None
    assert sum(p.numel() for p in model.parameters()) == 2


# Names


def test_unknown_names_and_parameters(models: Any) -> None:
    with pytest.raises(UsageError, match="did you mean concat"):
        models.build("concta")
    with pytest.raises(UsageError, match="unknown backbone 'resnet81': did you mean resnet18"):
        models.build("concat", "resnet81")
    with pytest.raises(UsageError, match="fusion concat:rank=2: unknown parameter 'rank'"):
        models.build("concat:rank=2")


@pytest.mark.parametrize(
    ("fusion", "message"),
    [
        ("mutan:rank=0", "its weights left_factors have no entries; sizes must be at least 1"),
        ("first_of:count=0", "what it returns has no entries; sizes must be at least 1"),
        ("gated:width=-1", "cannot be built: Trying to create tensor with negative dimension -1"),
        ("rbf:tau=0", "cannot be built: "),
        ("mmtm:ratio=0", "cannot be built: "),
        ("first_of:count=9", "cannot be built: count must be at most 8"),
    ],
)
def test_sizes_from_which_nothing_can_be_built(models: Any, fusion: str, message: str, plugin: Plugin) -> None:
    """Above all those that would build: a join with no entries leaves the head with nothing but its bias."""
    plugin('''
        @register
        class FirstOf(Fusion):
            """The first dimensions, (B, D) twice -> (B, count)."""

            name, family, needs, symmetric, paper = "first_of", "test", "embedding", False, "none"

            def __init__(self, spec: FeatureSpec, count: int = 2) -> None:
                if count > 8:
                    raise ValueError("count must be at most 8")
                super().__init__(out_dim=count)
                self.count = count
        ''')
    with pytest.raises(UsageError) as caught:
        models.build(fusion)
    assert str(caught.value).startswith(f"fusion {fusion}: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fusion", one_of_each_way("template_oracle"))
def test_other_image_sizes(models: Any, fusion: str) -> None:
    assert models.scores(models.build(fusion, "tiny_vit", image=SMALL), *models.images(2, image=SMALL)).shape == (2,)


def test_the_head_follows_the_fusion(models: Any) -> None:
    assert isinstance(models.build("abs_diff").head, nn.Sequential)
    assert isinstance(models.build("concat_linear").head, nn.Linear)
    assert isinstance(models.build("cosine").head, nn.Identity)
