"""Where the two streams meet: separately encoded, in the pixels, or in the middle of the backbone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import zoo
from bench.backbones import BACKBONES
from bench.errors import NotApplicableError, UsageError
from bench.fusion import FUSIONS
from bench.model import standardise
from bench.training.pairs import FrozenModel

zoo.load()
Plugin = Callable[..., Path]
OF_IMAGES = [name for name in FUSIONS if FUSIONS.get(name).sees != "likelihoods"]


# One pass


def test_both_images_go_through_in_one_concatenated_batch(models: Any) -> None:
    model = models.build("concat").train()
    sizes: list[int] = []
    model.backbone.stem.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    model(*models.images(3))
    assert sizes == [6]


def test_both_orders_cost_one_encoding(models: Any) -> None:
    model = models.build("concat").eval()
    sizes: list[int] = []
    model.backbone.stem.register_forward_hook(lambda module, args, result: sizes.append(len(args[0])))
    model.both_orders(*models.images(3))
    assert sizes == [6]


def test_batch_statistics_do_not_depend_on_the_order(models: Any) -> None:
    """In training mode too: A and B share the statistics of BatchNorm."""
    a, b = models.images(8)
    model = models.build("abs_diff").train()
    assert torch.allclose(model(a, b), model(b, a), atol=1e-5)


@pytest.mark.parametrize("fusion", [*OF_IMAGES, "concat:symmetrize=true", "two_channel:symmetrize=true"])
def test_both_orders_are_two_forward_passes(models: Any, fusion: str) -> None:
    model = models.build(fusion).eval()
    a, b = models.images(4)
    with torch.no_grad():
        (first, _), second = model.both_orders(a, b)
        assert torch.allclose(first, model(a, b), atol=1e-5)
        assert torch.allclose(second, model(b, a), atol=1e-5)
    assert first.shape == (4,)


def by_hand(u: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Cosine of vectors (B, D), or of the means over positions of maps (B, D, H, W) or tokens (B, L, D)."""
    if u.ndim == 3:
        u, v = u.transpose(1, 2), v.transpose(1, 2)
    u, v = (side.reshape(len(side), side.shape[1], -1).mean(2).double() for side in (u, v))
    return (u * v).sum(1) / (u.norm(dim=1) * v.norm(dim=1))


@pytest.mark.parametrize("fusion", [*OF_IMAGES, "concat:symmetrize=true", "pseudo_siamese:symmetrize=true"])
@torch.no_grad()
def test_the_second_readout_is_the_cosine_of_what_the_fusion_is_given(models: Any, fusion: str) -> None:
    model = models.build(fusion).eval()
    a, b = models.images(3)
    found = model.read_out(a, b)
    assert torch.allclose(found.scores, model(a, b), atol=1e-5)
    if model.encodes_separately:
        expected = by_hand(model.encode(a), model.encode(b))
    elif model.fusion.towers == 2:
        first, second = ([tower.read(standardise(side), "embedding") for side in (a, b)] for tower in model.towers)
        expected = by_hand(first[0], second[1])
        if "symmetrize" in fusion:
            expected = (expected + by_hand(first[1], second[0])) / 2
    else:
        assert found.cosine is None
        return
    assert torch.allclose(found.cosine.double(), expected, atol=1e-5)


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_the_score_is_encode_and_compare(models: Any, fusion: str) -> None:
    model = models.build(fusion).eval()
    a, b = models.images(4)
    if not model.encodes_separately:
        reason = "encodes A and B with different towers" if model.fusion.towers == 2 else "joins the images before"
        with pytest.raises(NotApplicableError, match=f"{fusion} {reason}"):
            model.encode(a)
        with pytest.raises(NotApplicableError, match=reason):
            model.compare(a, b)
        return
    with torch.no_grad():
        assert torch.allclose(model(a, b), model.compare(model.encode(a), model.encode(b)), atol=1e-5)


@pytest.mark.parametrize("fusion", ["concat", "corelnet", "concat:symmetrize=true"])
def test_the_frozen_model_scores_encodings(models: Any, fusion: str) -> None:
    model = models.build(fusion).eval()
    a, b = models.images(4)
    with torch.no_grad():
        frozen = FrozenModel(model).eval()
        assert torch.allclose(frozen(model.encode(a), model.encode(b)), model(a, b), atol=1e-5)
    assert frozen.symmetric == model.symmetric


# Symmetry


@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_symmetrize_makes_any_fusion_symmetric(models: Any, fusion: str) -> None:
    model = models.build(f"{fusion}:symmetrize=true")
    assert model.symmetric
    a, b = models.images(4)
    assert torch.allclose(models.scores(model, a, b), models.scores(model, b, a), atol=1e-6)


def test_symmetrized_scores_are_the_mean_of_both_orders(models: Any) -> None:
    plain, symmetrized = models.build("concat"), models.build("concat:symmetrize=true")
    a, b = models.images(4)
    expected = (models.scores(plain, a, b) + models.scores(plain, b, a)) / 2
    assert torch.allclose(models.scores(symmetrized, a, b), expected, atol=1e-6)
    assert (models.scores(plain, a, b) - models.scores(plain, b, a)).abs().max() > 1e-4


@pytest.mark.parametrize("fusion", ["two_channel", "fmap_concat:stage=1", "mmtm:symmetric=false", "concat"])
def test_symmetrize_trains_on_both_orders_in_one_pass(models: Any, fusion: str) -> None:
    """In two passes the running statistics of BatchNorm would follow the order that comes last."""
    a, b = models.images(8)
    first, second = (models.build(f"{fusion}:symmetrize=true").train() for _ in range(2))
    assert torch.allclose(first(a, b), second(b, a), atol=1e-4)
    for (name, one), other in zip(first.named_buffers(), second.buffers(), strict=True):
        assert torch.allclose(one.float(), other.float(), rtol=1e-4, atol=1e-5), name
        assert not name.endswith("num_batches_tracked") or int(one) == 1


def test_symmetrize_off_changes_nothing(models: Any) -> None:
    a, b = models.images(2)
    off, plain = (models.scores(models.build(name), a, b) for name in ("concat:symmetrize=false", "concat"))
    assert torch.equal(off, plain)


def test_symmetrize_takes_a_truth_value(models: Any) -> None:
    with pytest.raises(UsageError, match="symmetrize must be"):
        models.build("concat:symmetrize=often")


# Stages

STAGE = """
@register
class StageDifference(Fusion):
    '''Difference of the maps after a stage; the rest of the backbone reads it.'''

    name, family, needs, symmetric, paper = "stage_difference", "map", "stage", True, "none"

    def __init__(self, spec: FeatureSpec, stage: int = 0) -> None:
        super().__init__(out_dim=spec.dim)
        self.stage = stage

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return (a - b).abs()
"""


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_a_stage_fusion_joins_in_the_middle(models: Any, backbone: str, plugin: Plugin) -> None:
    plugin(STAGE)
    model = models.build("stage_difference:stage=1", backbone).eval()
    a, b = models.images(3)
    tower = model.backbone
    with torch.no_grad():
        features = [tower.stem(standardise(side)) for side in (a, b)]
        for stage in tower.stages[:2]:
            features = [stage(side) for side in features]
        joined = (features[0] - features[1]).abs()
        for stage in tower.stages[2:]:
            joined = stage(joined)
        expected = model.head(tower.embedding(joined)).flatten()
        assert torch.allclose(model(a, b), expected, atol=1e-5)
    assert not model.encodes_separately


@pytest.mark.parametrize("stage", [0, 2])
def test_the_first_and_the_last_stage_work(models: Any, stage: int, plugin: Plugin) -> None:
    plugin(STAGE)
    assert models.scores(models.build(f"stage_difference:stage={stage}"), *models.images(2)).shape == (2,)


@pytest.mark.parametrize("stage", [3, -1])
def test_a_stage_out_of_range_is_not_applicable(models: Any, stage: int, plugin: Plugin) -> None:
    plugin(STAGE)
    with pytest.raises(NotApplicableError, match=f"stage {stage}: the backbone has 3 stages"):
        models.build(f"stage_difference:stage={stage}")
