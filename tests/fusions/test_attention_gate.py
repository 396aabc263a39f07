"""The mutual attention gate, recomputed position by position."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bench import zoo
from bench.fusion import Fusion
from bench.model import build_model
from bench.spec import parse_spec

zoo.load()
PLACES = [(y, x) for y in range(2) for x in range(3)]
SMALL = "attention_gate:hidden=4:dim=3"


def settled(fusion: Fusion) -> Fusion:
    """The fusion with statistics of its BatchNorm that tell its dimensions apart."""
    fusion.norm.running_mean.copy_(torch.tensor([0.1, -0.2, 0.3]))
    fusion.norm.running_var.copy_(torch.tensor([0.5, 1.0, 2.0]))
    return fusion


def pooled(fusion: Fusion, p: Tensor, q: Tensor) -> Tensor:
    """Gate of the map p (C, H, W) in the light of q, then the mean over positions."""
    own, gate = fusion.of_own, fusion.gate
    other = fusion.of_other.weight @ torch.stack([q[:, y, x] for y, x in PLACES]).mean(0)
    total = torch.zeros(5)
    for y, x in PLACES:
        inner = (own.weight[:, :, 0, 0] @ p[:, y, x] + own.bias + other).clamp(min=0)
        weight = 1 / (1 + torch.exp(-(gate.weight[0, :, 0, 0] @ inner + gate.bias[0])))
        total += weight * p[:, y, x]
    return total / len(PLACES)


@torch.no_grad()
def test_the_score_is_the_formula(small: Any) -> None:
    fusion, (a, b) = settled(small.build(SMALL)), small.maps()
    scores = fusion(a, b)
    assert scores.shape == (small.batch,)
    for i in range(small.batch):
        sides = [fusion.project.weight @ pooled(fusion, *pair) for pair in ((a[i], b[i]), (b[i], a[i]))]
        u, v = ((side - fusion.norm.running_mean) / (fusion.norm.running_var + 1e-5).sqrt() for side in sides)
        cosine = (u @ v) / (u.square().sum() * v.square().sum()).sqrt()
        torch.testing.assert_close(scores[i], fusion.classify(fusion.scale * cosine[None])[0], rtol=0, atol=1e-5)


@torch.no_grad()
def test_each_map_is_gated_by_what_the_other_shows(small: Any) -> None:
    fusion, (a, b), (other, _) = small.build(SMALL), small.maps(), small.maps(seed=1)
    assert (fusion._gated(a, b) - fusion._gated(a, other)).abs().max() > 1e-3
    gates = fusion._gated(a, b) / a
    torch.testing.assert_close(gates, gates[:, :1].expand_as(gates), rtol=0, atol=1e-4)
    assert gates.min() > 0
    assert gates.max() < 1


@given(p=st.permutations(range(6)), q=st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_positions_does_not_matter(small: Any, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build(SMALL), small.maps()
    moved = [side.flatten(2)[:, :, order].unflatten(2, (2, 3)) for side, order in ((a, p), (b, q))]
    torch.testing.assert_close(fusion(*moved), fusion(a, b), rtol=0, atol=1e-4)


def test_batchnorm_sees_both_images_at_once(small: Any) -> None:
    """Otherwise its statistics would depend on the order of the pair."""
    fusion, (a, b) = small.build(SMALL).train(), small.maps()
    torch.testing.assert_close(fusion(a, b), fusion(b, a), rtol=0, atol=1e-5)
    assert int(fusion.norm.num_batches_tracked) == 2


@pytest.mark.parametrize("seed", range(8))
@torch.no_grad()
def test_a_larger_cosine_starts_with_a_higher_score(seed: int) -> None:
    """Whatever the seed: opposite vectors must not start as "same"."""
    fusion = build_model(parse_spec("attention_gate"), "mobilenetv3_small_32", seed=seed).fusion
    cosines = torch.linspace(-1, 1, 9)[:, None]
    assert (fusion.classify(fusion.scale * cosines).flatten().diff() > 0).all()


@torch.no_grad()
def test_cosines_of_non_negative_maps_spread(small: Any) -> None:
    """Maps after a ReLU all point the same way; what the cosine is taken of does not."""
    fusion = small.build("attention_gate").train()
    a, b = small.randn(2, 64, 5, 2, 3).relu()
    pooled_a, pooled_b = (fusion._gated(*pair).mean((2, 3)) for pair in ((a, b), (b, a)))
    u, v = fusion.norm(fusion.project(torch.cat([pooled_a, pooled_b]))).chunk(2)
    raw, centred = torch.cosine_similarity(pooled_a, pooled_b), torch.cosine_similarity(u, v)
    assert raw.mean() > 0.6
    assert abs(float(centred.mean())) < 0.2
    assert centred.std() > 2 * raw.std()


@pytest.mark.parametrize(("stage", "channels", "stages"), [(-1, 128, 2), (2, 256, 3), (0, 64, 1)])
def test_the_backbone_is_cut_behind_the_stage(stage: int, channels: int, stages: int) -> None:
    """Stage 2 of ResNet18 has 256 channels."""
    model = build_model(parse_spec(f"attention_gate:map_stage={stage}"), "resnet18")
    assert model.fusion.project.in_features == channels
    assert len(model.backbone.stages) == stages
    assert model.encodes_separately
