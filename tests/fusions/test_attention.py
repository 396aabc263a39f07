"""Attention against PyTorch's own, and the two attention fusions built on it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

EXACT = {"rtol": 0.0, "atol": 1e-5}
permutations = st.permutations(range(6))


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("context", ["self", "other"])
@torch.no_grad()
def test_attention_is_torchs_with_the_same_weights(small: Any, heads: int, context: str) -> None:
    layer = type(small.build("cross_attention:width=8:heads=2").attention)(8, heads)
    reference = nn.MultiheadAttention(8, heads, batch_first=True)
    reference.in_proj_weight.copy_(torch.cat([layer.queries.weight, layer.keys.weight, layer.values.weight]))
    reference.in_proj_bias.copy_(torch.cat([layer.queries.bias, torch.zeros(8), layer.values.bias]))
    reference.out_proj.weight.copy_(layer.out.weight)
    reference.out_proj.bias.copy_(layer.out.bias)
    x = small.randn(small.batch, 4, 8)
    other = x if context == "self" else small.randn(small.batch, 7, 8, seed=1)
    torch.testing.assert_close(layer(x, other), reference(x, other, other)[0], **EXACT)


@torch.no_grad()
def test_a_bias_on_the_keys_would_change_nothing(small: Any) -> None:
    """Which is why the keys have none."""
    layer = small.build("cross_attention:width=8:heads=2").attention
    x, context = small.randn(small.batch, 4, 8), small.randn(small.batch, 7, 8, seed=1)
    before = layer(x, context)
    layer.keys.register_parameter("bias", nn.Parameter(small.randn(8)))
    torch.testing.assert_close(layer(x, context), before, **EXACT)


@torch.no_grad()
def test_cross_attention(small: Any) -> None:
    fusion = small.build("cross_attention:width=8:heads=2")
    a, b = small.tokens()
    s, t = fusion.project(a) + fusion.positions, fusion.project(b) + fusion.positions

    def attend(x: Tensor, context: Tensor) -> Tensor:
        x = x + fusion.attention(fusion.norm(x), fusion.norm(context))
        return (x + fusion.mlp(fusion.norm_mlp(x))).mean(1)

    u, v = attend(s, t), attend(t, s)
    torch.testing.assert_close(fusion(a, b), torch.cat([(u - v).abs(), u * v], 1), **EXACT)
    same = fusion(a, a)
    torch.testing.assert_close(same[:, :8], torch.zeros(small.batch, 8), **EXACT)


@torch.no_grad()
def test_joint_transformer_reads_both_images(small: Any) -> None:
    fusion = small.build("joint_transformer:width=8:heads=2")
    (a, b), (c, d) = small.tokens(), small.tokens(seed=1)
    assert fusion(a, b).shape == (small.batch, 8)
    assert (fusion(a, b) - fusion(c, b)).abs().max() > 1e-3
    assert (fusion(a, b) - fusion(a, d)).abs().max() > 1e-3


@torch.no_grad()
def test_segment_embeddings_tell_the_images_apart(small: Any) -> None:
    a, b = small.tokens()
    with_segments = small.build("joint_transformer:width=8:heads=2")
    without = small.build("joint_transformer:width=8:heads=2:segment_embedding=false")
    torch.testing.assert_close(without(a, b), without(b, a), **EXACT)
    assert (with_segments(a, b) - with_segments(b, a)).abs().max() > 1e-4
    assert without.symmetric
    assert not with_segments.symmetric


@given(p=permutations)
@settings(max_examples=10, deadline=None)
def test_attention_without_positions_does_not_see_the_order(small: Any, p: list[int]) -> None:
    """Only the position embeddings tell tokens apart."""
    a, b = small.tokens()
    for name in ("cross_attention", "joint_transformer"):
        fusion = small.build(name)
        with torch.no_grad():
            fusion.positions.zero_()
        torch.testing.assert_close(fusion(a[:, p], b[:, p]), fusion(a, b), rtol=0, atol=1e-4)


@given(p=permutations)
@settings(max_examples=10, deadline=None)
def test_positions_matter_to_attention(small: Any, p: list[int]) -> None:
    if p == sorted(p):
        return
    a, b = small.tokens()
    fusion = small.build("joint_transformer")
    with torch.no_grad():
        fusion.positions.mul_(50)
        assert (fusion(a[:, p], b[:, p]) - fusion(a, b)).abs().max() > 1e-3
