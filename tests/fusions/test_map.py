"""Joins of two feature maps, recomputed position by position."""

from __future__ import annotations

from math import exp, sqrt
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import NotApplicableError, UsageError
from bench.fusion import FeatureSpec, Fusion, MapShape
from bench.model import build_fusion
from bench.spec import parse_spec

EXACT: dict[str, float] = {"rtol": 0.0, "atol": 1e-5}
PLACES = [(y, x) for y in range(2) for x in range(3)]
SYMMETRIC = ["fmap_diff", "correlation", "neighbourhood_diff", "film", "non_local", "spatial_transformer"]
JOINS = [*SYMMETRIC, "fmap_concat"]


def stirred(fusion: Fusion) -> Fusion:
    """The fusion with weights that have left their initial values, of which some are 0."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in fusion.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return fusion


def neighbourhood(fusion: Fusion, p: Tensor, q: Tensor) -> Tensor:
    """One way, for one pair (C, H, W)."""
    joined = torch.zeros(5, 2, 3)
    reach = fusion.window // 2
    for y, x in PLACES:
        around = [(y + dy, x + dx) for dy in range(-reach, reach + 1) for dx in range(-reach, reach + 1)]
        zero = torch.zeros(5)
        other = [q[:, at[0], at[1]] if at in PLACES else zero for at in around]
        differences = torch.cat([(p[:, y, x] - value).clamp(min=0) for value in other])
        joined[:, y, x] = (fusion.summary.weight @ differences + fusion.summary.bias).clamp(min=0)
    return joined


def modulated(fusion: Fusion, p: Tensor, q: Tensor) -> Tensor:
    mean = torch.stack([q[:, y, x] for y, x in PLACES]).sum(0) / len(PLACES)
    weight, bias = fusion.modulation.weight, fusion.modulation.bias
    return torch.stack([(1 + weight[c] @ mean + bias[c]) * p[c] + weight[5 + c] @ mean + bias[5 + c] for c in range(5)])


def gated(fusion: Fusion, p: Tensor, q: Tensor) -> Tensor:
    joined = p.clone()
    width = fusion.queries.out_features
    for y, x in PLACES:
        query = fusion.queries.weight @ p[:, y, x]
        weights = [exp(float(query @ (fusion.keys.weight @ q[:, v, u])) / sqrt(width)) for v, u in PLACES]
        values = [fusion.values.weight @ q[:, v, u] for v, u in PLACES]
        found = sum(w / sum(weights) * value for w, value in zip(weights, values, strict=True))
        joined[:, y, x] += fusion.out.weight @ found
    return joined


def aligned(fusion: Fusion, p: Tensor, q: Tensor) -> Tensor:
    theta = fusion.localise(torch.cat([p, q])[None]).view(1, 2, 3)
    grid = F.affine_grid(theta, [1, *q.shape], align_corners=False)
    return (p - F.grid_sample(q[None], grid, align_corners=False)[0]).abs()


ONE_WAY = {"film": modulated, "non_local": gated, "spatial_transformer": aligned}


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("name", ONE_WAY)
@torch.no_grad()
def test_joins_of_two_ways(name: str, symmetric: bool, small: Any) -> None:
    fusion = stirred(small.build(f"{name}:stage=0:symmetric={str(symmetric).lower()}"))
    a, b = small.maps()
    for joined, p, q in zip(fusion(a, b), a, b, strict=True):
        there, back = ONE_WAY[name](fusion, p, q), ONE_WAY[name](fusion, q, p)
        torch.testing.assert_close(joined, (there + back) / 2 if symmetric else there, **EXACT)


@pytest.mark.parametrize("window", [1, 3, 5])
@torch.no_grad()
def test_neighbourhood_differences(window: int, small: Any) -> None:
    fusion = small.build(f"neighbourhood_diff:stage=0:window={window}")
    a, b = small.maps()
    for joined, p, q in zip(fusion(a, b), a, b, strict=True):
        torch.testing.assert_close(joined, neighbourhood(fusion, p, q) + neighbourhood(fusion, q, p), **EXACT)


@torch.no_grad()
def test_correlation_inside_the_backbone(small: Any) -> None:
    a, b = small.maps()
    fusion, one_way = (small.build(f"correlation:stage=0:symmetric={s}") for s in ("true", "false"))
    p, q = (fusion.project(side) for side in (a, b))
    weight = fusion.mix.weight[:, :, 0, 0]
    for i in range(small.batch):
        of_a, of_b = torch.zeros(2, 5, 2, 3)
        for y, x in PLACES:
            of_a[:, y, x] = weight @ torch.stack(
                [F.cosine_similarity(p[i, :, y, x], q[i, :, v, u], 0) for v, u in PLACES]
            )
            of_b[:, y, x] = weight @ torch.stack(
                [F.cosine_similarity(q[i, :, y, x], p[i, :, v, u], 0) for v, u in PLACES]
            )
        torch.testing.assert_close(fusion(a, b)[i], (of_a + of_b) / 2, **EXACT)
        torch.testing.assert_close(one_way(a, b)[i], of_a, **EXACT)


@torch.no_grad()
def test_one_way_correlation_reads_the_rows(small: Any) -> None:
    """Two positions of B that look alike change no maximum of a position of A, but the columns have two of them."""
    (a, b), rows = small.maps(), small.build("correlation:symmetric=false")
    repeated = b.clone()
    repeated[:, :, 0, 0] = b[:, :, 1, 2]
    p, q = (F.normalize(rows.project(side).flatten(2), dim=1) for side in (a, repeated))
    expected = [max(float(p[0, :, i] @ q[0, :, j]) for j in range(6)) for i in range(6)]
    torch.testing.assert_close(rows(a, repeated)[0, :6], torch.tensor(sorted(expected)), **EXACT)


@torch.no_grad()
def test_concatenation_inside_the_backbone(small: Any) -> None:
    fusion, (a, b) = small.build("fmap_concat:stage=0"), small.maps()
    weight = fusion.convolution.weight[:, :, 0, 0]
    joined = fusion(a, b)
    for y, x in PLACES:
        expected = [weight @ torch.cat([a[i, :, y, x], b[i, :, y, x]]) for i in range(small.batch)]
        torch.testing.assert_close(joined[:, :, y, x], torch.stack(expected), **EXACT)


@torch.no_grad()
def test_difference_inside_the_backbone_has_no_weights(small: Any) -> None:
    fusion, (a, b) = small.build("fmap_diff:stage=0"), small.maps()
    assert torch.equal(fusion(a, b), (a - b).abs())
    assert not list(fusion.parameters())


@pytest.mark.parametrize("name", [name for name in JOINS if name != "correlation"])
@torch.no_grad()
def test_before_the_pooling_the_joined_map_is_convolved_and_averaged(name: str, small: Any) -> None:
    fusion, (a, b) = stirred(small.build(f"{name}:width=4")), small.maps()
    joined = F.pad(fusion.join(a, b), (1, 1, 1, 1))
    weight, bias = fusion.convolution.weight, fusion.convolution.bias
    for i in range(small.batch):
        values = [
            [float((weight[k] * joined[i, :, y : y + 3, x : x + 3]).sum() + bias[k]) for y, x in PLACES]
            for k in range(4)
        ]
        expected = [sum(max(value, 0.0) for value in of_channel) / len(PLACES) for of_channel in values]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


# Where each join starts, and what it cannot see


@torch.no_grad()
def test_film_starts_close_to_the_maps_as_they_are(small: Any) -> None:
    fusion, (a, b) = small.build("film:stage=0"), small.maps()
    torch.testing.assert_close(fusion(a, b), (a + b) / 2, rtol=0, atol=0.3)
    assert not torch.equal(fusion(a, b), (a + b) / 2)


def test_the_spatial_transformer_starts_close_to_a_difference_and_can_leave(small: Any) -> None:
    fusion, (a, b) = small.build("spatial_transformer:stage=0"), small.maps()
    torch.testing.assert_close(fusion(a, b), (a - b).abs(), rtol=0, atol=0.3)
    fusion(a, b).square().sum().backward()
    assert (fusion.localise[-1].bias.grad.abs() > 1e-3).all(), "the identity is no place where warping is stuck"


@given(st.lists(st.floats(-2, 2), min_size=6, max_size=6), st.sampled_from([(2, 3), (4, 4), (1, 5)]))
@settings(max_examples=30, deadline=None)
@torch.no_grad()
def test_warping_is_grid_sample(theta: list[float], size: tuple[int, int]) -> None:
    shape = MapShape(2, *size)
    fusion = build_fusion(
        parse_spec("spatial_transformer:stage=0:symmetric=false"), FeatureSpec(shape, (shape,), shape, 6)
    )
    fusion.localise[-1].weight.zero_()
    fusion.localise[-1].bias.copy_(torch.tensor(theta))
    fusion.double()
    q = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grid = F.affine_grid(torch.tensor(theta).double().view(1, 2, 3), [1, 2, *size], align_corners=False)
    expected = F.grid_sample(q, grid, align_corners=False).abs()
    torch.testing.assert_close(fusion(torch.zeros_like(q), q), expected, rtol=0, atol=1e-5)


def test_a_single_position_cannot_be_warped() -> None:
    point = MapShape(5, 1, 1)
    with pytest.raises(NotApplicableError, match="one position"):
        build_fusion(parse_spec("spatial_transformer"), FeatureSpec(point, (point,), point, 6))


@given(p=st.permutations(range(6)))
@settings(max_examples=10, deadline=None)
def test_attending_to_the_other_image_does_not_see_its_order(small: Any, p: list[int]) -> None:
    fusion, (a, b) = stirred(small.build("non_local:symmetric=false")), small.maps()
    moved = b.flatten(2)[:, :, p].unflatten(2, (2, 3))
    torch.testing.assert_close(fusion(a, moved), fusion(a, b), rtol=0, atol=1e-4)


@pytest.mark.parametrize("stage", [-1, 0])
@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_order_of_the_pair_does_not_matter(name: str, stage: int, small: Any) -> None:
    fusion, (a, b) = stirred(small.build(f"{name}:stage={stage}")), small.maps()
    torch.testing.assert_close(fusion(a, b), fusion(b, a), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", JOINS)
def test_the_stage_decides_what_is_joined(name: str, small: Any) -> None:
    pooled, inside = small.build(name), small.build(f"{name}:stage=0")
    assert (pooled.needs, inside.needs, inside.stage) == ("map", "stage", 0)
    with pytest.raises(NotApplicableError, match="stage 5: the backbone has"):
        small.build(f"{name}:stage=5")


def test_a_window_has_a_middle(small: Any) -> None:
    with pytest.raises(UsageError, match="window must be an odd number of positions, got 2"):
        small.build("neighbourhood_diff:window=2")


# Exchange


@pytest.mark.parametrize("symmetric", ["true", "false"])
@torch.no_grad()
def test_cross_stitch(symmetric: str, small: Any) -> None:
    fusion, (p, q) = stirred(small.build(f"cross_stitch:stage=0:symmetric={symmetric}")), small.maps()
    first, second = fusion.exchange(p, q)
    for c in range(5):
        (own_a, other_a), (own_b, other_b) = (w[:, c].flatten().tolist() for w in (fusion.for_a, fusion.for_b))
        torch.testing.assert_close(first[:, c], own_a * p[:, c] + other_a * q[:, c])
        torch.testing.assert_close(second[:, c], own_b * q[:, c] + other_b * p[:, c])
    assert (fusion.for_a is fusion.for_b) == fusion.symmetric == (symmetric == "true")


@pytest.mark.parametrize("symmetric", ["true", "false"])
@torch.no_grad()
def test_mmtm(symmetric: str, small: Any) -> None:
    fusion, (p, q) = stirred(small.build(f"mmtm:stage=0:symmetric={symmetric}")), small.maps()
    first, second = fusion.exchange(p, q)
    squeeze: nn.Linear = fusion.squeeze[0]

    def gate(one: Tensor, other: Tensor, excite: nn.Linear) -> Tensor:
        means = torch.stack([side[c].mean() for side in (one, other) for c in range(5)])
        squeezed = (squeeze.weight @ means + squeeze.bias).clamp(min=0)
        return 2 / (1 + torch.exp(-(excite.weight @ squeezed + excite.bias)))

    for i in range(small.batch):
        order = (q[i], p[i]) if fusion.symmetric else (p[i], q[i])
        torch.testing.assert_close(first[i], gate(p[i], q[i], fusion.excite)[:, None, None] * p[i], **EXACT)
        torch.testing.assert_close(second[i], gate(*order, fusion.excite_b)[:, None, None] * q[i], **EXACT)
    assert (fusion.excite is fusion.excite_b) == fusion.symmetric == (symmetric == "true")


@pytest.mark.parametrize("name", ["cross_stitch", "mmtm"])
@torch.no_grad()
def test_streams_that_exchanged_are_joined_by_difference_and_product(name: str, small: Any) -> None:
    fusion, (u, v) = small.build(f"{name}:stage=0"), small.embeddings()
    rows = zip(u.tolist(), v.tolist(), strict=True)
    expected = [
        [abs(x - y) for x, y in zip(*row, strict=True)] + [x * y for x, y in zip(*row, strict=True)] for row in rows
    ]
    torch.testing.assert_close(fusion(u, v), torch.tensor(expected), **EXACT)
