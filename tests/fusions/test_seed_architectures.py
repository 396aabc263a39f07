"""Whole architectures kept under their own names, recomputed region by region and patch by patch."""

from __future__ import annotations

from itertools import permutations as all_permutations
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError
from bench.model import build_model
from bench.spec import parse_spec

EXACT = {"rtol": 0.0, "atol": 1e-5}
permutations = st.permutations(range(6))


# Cross-attention, mean, difference


def torch_attention(layer: nn.Module) -> nn.MultiheadAttention:
    """Torch's attention with the weights of ours, of width 8 with 2 heads."""
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    reference.in_proj_weight.copy_(torch.cat([layer.queries.weight, layer.keys.weight, layer.values.weight]))
    reference.in_proj_bias.copy_(torch.cat([layer.queries.bias, torch.zeros(8), layer.values.bias]))
    reference.out_proj.load_state_dict(layer.out.state_dict())
    return reference


@torch.no_grad()
def test_patch_cross_attention_diff(small: Any) -> None:
    fusion = small.build("patch_cross_attention_diff:width=8:heads=2")
    fusion.norm.weight.copy_(small.randn(8))
    reference, (a, b) = torch_attention(fusion.attention), small.tokens()
    for i in range(small.batch):
        s, t = fusion.embed(a[i : i + 1]), fusion.embed(b[i : i + 1])
        means = [
            F.layer_norm((x + reference(x, context, context)[0])[0], (8,), fusion.norm.weight).mean(0)
            for x, context in ((s, t), (t, s))
        ]
        torch.testing.assert_close(fusion(a, b)[i], means[0] - means[1], **EXACT)


@torch.no_grad()
def test_the_signed_difference_turns_around_and_the_absolute_one_does_not(small: Any) -> None:
    a, b = small.tokens()
    signed = small.build("patch_cross_attention_diff")
    absolute = small.build("patch_cross_attention_diff:absolute=true")
    torch.testing.assert_close(signed(b, a), -signed(a, b), **EXACT)
    torch.testing.assert_close(absolute(a, b), signed(a, b).abs(), **EXACT)
    torch.testing.assert_close(signed(a, a), torch.zeros(small.batch, 64), **EXACT)
    assert absolute.symmetric
    assert not signed.symmetric


# Regions, matched one to one


def regions(fusion: Any, feature_map: Tensor, cells: list[tuple[slice, slice]]) -> list[Tensor]:
    """Mean of the projected positions of each cell, divided by its length."""
    weight, bias = fusion.project.weight.flatten(1), fusion.project.bias
    means = [weight @ feature_map[:, rows, columns].mean((1, 2)) + bias for rows, columns in cells]
    return [mean / mean.square().sum().sqrt() for mean in means]


@pytest.mark.parametrize(
    ("grid", "cells"),
    [
        (4, [(slice(y, y + 1), slice(x, x + 1)) for y in range(2) for x in range(3)]),
        (2, [(slice(y, y + 1), columns) for y in range(2) for columns in (slice(0, 2), slice(1, 3))]),
        (1, [(slice(0, 2), slice(0, 3))]),
    ],
)
@torch.no_grad()
def test_hungarian_regions(small: Any, grid: int, cells: list[tuple[slice, slice]]) -> None:
    fusion = small.build(f"hungarian_regions:width=4:grid={grid}")
    a, b = small.maps()
    for i in range(small.batch):
        p, q = regions(fusion, a[i], cells), regions(fusion, b[i], cells)
        count = range(len(cells))
        best = max(all_permutations(count), key=lambda order: sum(float(p[j] @ q[order[j]]) for j in count))
        expected = sum(4 * p[j] * q[best[j]] for j in count) / len(cells)
        torch.testing.assert_close(fusion(a, b)[i], expected, **EXACT)


@given(p=permutations, q=permutations)
@settings(max_examples=20, deadline=None)
def test_hungarian_regions_do_not_see_where_a_region_is(small: Any, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build("hungarian_regions"), small.maps()
    moved = [side.flatten(2)[:, :, order].unflatten(2, (2, 3)) for side, order in ((a, p), (b, q))]
    torch.testing.assert_close(fusion(*moved), fusion(a, b), rtol=0, atol=1e-4)


def test_the_gradient_flows_through_the_matched_regions(small: Any) -> None:
    fusion = small.build("hungarian_regions:width=4").double()
    a, b = (side[:2].double().requires_grad_() for side in small.maps())
    assert torch.autograd.gradcheck(fusion, (a, b), atol=1e-6)


# One sequence of patches


@torch.no_grad()
def test_a_patch_stem_is_one_linear_layer_per_patch(small: Any) -> None:
    fusion = small.build("joint_vit_cls:width=8:heads=2:stem=patch")
    image = small.randn(1, 3, 8, 8)
    weight, bias = fusion.embed.weight.flatten(1), fusion.embed.bias
    for y in range(2):
        for x in range(2):
            patch = image[0, :, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4]
            torch.testing.assert_close(fusion.embed(image)[0, :, y, x], weight @ patch.flatten() + bias, **EXACT)


@pytest.mark.parametrize("stem", ["conv", "patch"])
@torch.no_grad()
def test_cls_is_read_after_one_sequence_of_all_patches(small: Any, stem: str) -> None:
    fusion = small.build(f"joint_vit_cls:width=8:heads=2:depth=2:stem={stem}")
    a, b = small.randn(2, small.batch, 3, 8, 8)
    for i in range(small.batch):
        tokens = [fusion.cls[0, 0]]
        for image, segment in ((a[i], fusion.segments[0]), (b[i], fusion.segments[1])):
            grid = fusion.embed(image[None])[0]
            assert grid.shape == (8, 2, 2)
            for k, (y, x) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
                tokens.append(grid[:, y, x] + fusion.positions[0, k] + segment[0, 0])
        sequence = torch.stack(tokens)[None]
        for block in fusion.blocks:
            sequence = block(sequence)
        torch.testing.assert_close(fusion(a, b)[i], F.layer_norm(sequence[0, 0], (8,)), **EXACT)


@torch.no_grad()
def test_without_segments_the_order_of_the_pair_does_not_matter(small: Any) -> None:
    a, b = small.randn(2, small.batch, 3, 8, 8)
    told = small.build("joint_vit_cls")
    untold = small.build("joint_vit_cls:segment_embedding=false")
    torch.testing.assert_close(untold(a, b), untold(b, a), **EXACT)
    assert (told(a, b) - told(b, a)).abs().max() > 1e-4
    assert untold.symmetric
    assert not told.symmetric


@pytest.mark.parametrize("stem", ["conv", "patch"])
def test_the_joint_transformer_learns_without_a_backbone(small: Any, stem: str) -> None:
    """Sixteen pairs of images by heart: same images, with a little noise, against different ones."""
    model = build_model(parse_spec(f"joint_vit_cls:width=32:depth=2:patch=8:stem={stem}"), "mobilenetv3_small_32")
    assert model.backbone is None
    a, b = (128 + 40 * small.randn(2, 16, 3, 32, 32)).clamp(0, 255)
    label = torch.arange(16) % 2
    again = (a + 4 * small.randn(16, 3, 32, 32, seed=1)).clamp(0, 255)
    b = torch.where(label.bool()[:, None, None, None], again, b)
    optimise = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(60):
        scores = model(a.byte(), b.byte())
        optimise.zero_grad()
        F.binary_cross_entropy_with_logits(scores, label.float()).backward()
        optimise.step()
    assert ((model(a.byte(), b.byte()) > 0) == label).all()


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("stem=linear", "stem is 'linear', allowed are conv and patch"),
        ("patch=3", "patch=3 must divide the 8x8 image"),
        ("patch=0", "patch=0 must divide the 8x8 image"),
        ("patch=1", "patch=1 must be even, because stem=conv halves the image first"),
    ],
)
def test_a_stem_that_cannot_be_built_says_why(small: Any, params: str, message: str) -> None:
    with pytest.raises(UsageError, match=f"fusion joint_vit_cls: {message}"):
        small.build(f"joint_vit_cls:{params}")
