"""The attention layers that the token and relational fusions share, against PyTorch's own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from bench.errors import UsageError

EXACT = {"rtol": 0.0, "atol": 1e-5}
WIDTH, HEADS = 8, 2


@pytest.fixture
def block(small: Any) -> nn.Module:
    return small.build(f"one_way_attention:width={WIDTH}:heads={HEADS}").block


def load(layer: nn.Module, reference: nn.MultiheadAttention) -> None:
    """Copy the weights of our attention to torch's."""
    reference.in_proj_weight.copy_(torch.cat([layer.queries.weight, layer.keys.weight, layer.values.weight]))
    reference.in_proj_bias.copy_(torch.cat([layer.queries.bias, torch.zeros(WIDTH), layer.values.bias]))
    reference.out_proj.load_state_dict(layer.out.state_dict())


def torch_layer(block: nn.Module) -> nn.TransformerEncoderLayer:
    """Torch's pre-norm transformer layer with the weights of ``block``."""
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 2 * WIDTH, dropout=0, activation="gelu", batch_first=True, norm_first=True
    ).eval()
    load(block.attention, layer.self_attn)
    layer.norm1.load_state_dict(block.norm_attention.state_dict())
    layer.norm2.load_state_dict(block.norm_mlp.state_dict())
    layer.linear1.load_state_dict(block.mlp[0].state_dict())
    layer.linear2.load_state_dict(block.mlp[2].state_dict())
    return layer


def scramble(module: nn.Module) -> None:
    """Random weights everywhere, so that no norm is the identity and no bias is 0."""
    generator = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)


@torch.no_grad()
def test_values_may_come_from_elsewhere_than_keys(small: Any, block: nn.Module) -> None:
    scramble(block)
    reference = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    load(block.attention, reference)
    x, context, values = (small.randn(3, length, WIDTH, seed=length) for length in (4, 7, 7))
    values = values + 1
    ours = block.attention(x, context, values=values)
    torch.testing.assert_close(ours, reference(x, context, values)[0], **EXACT)
    assert (ours - block.attention(x, context)).abs().max() > 0.01


@torch.no_grad()
def test_a_block_is_torchs_encoder_layer(small: Any, block: nn.Module) -> None:
    scramble(block)
    x = small.randn(3, 5, WIDTH)
    torch.testing.assert_close(block(x), torch_layer(block)(x), **EXACT)


@torch.no_grad()
def test_a_block_over_itself_as_context_is_self_attention(small: Any, block: nn.Module) -> None:
    scramble(block)
    x, other = small.randn(3, 5, WIDTH), small.randn(3, 7, WIDTH, seed=1)
    torch.testing.assert_close(block(x, x), block(x), **EXACT)
    assert (block(x, other) - block(x)).abs().max() > 0.01


@torch.no_grad()
def test_tokens_are_projected_and_get_a_position(small: Any) -> None:
    embed = small.build("one_way_attention:width=4:heads=2").embed
    a, _ = small.tokens()
    for i in range(small.batch):
        for j in range(small.spec.tokens):
            expected = embed.project.weight @ a[i, j] + embed.project.bias + embed.positions[0, j]
            torch.testing.assert_close(embed(a)[i, j], expected, **EXACT)


@pytest.mark.parametrize("name", ["one_way_attention", "relational_cross_attention", "patch_cross_attention_diff"])
def test_heads_must_divide_the_width(small: Any, name: str) -> None:
    with pytest.raises(UsageError, match="heads=3 must divide width=8"):
        small.build(f"{name}:width=8:heads=3")


@pytest.mark.parametrize("name", ["one_way_attention", "attention_bottleneck", "latent_resampler", "bipartite_graph"])
@torch.no_grad()
def test_only_positions_tell_tokens_apart(small: Any, name: str) -> None:
    """Tokens of both images in another order, each in its own: the same features."""
    fusion = small.build(f"{name}:width={WIDTH}:heads={HEADS}")
    fusion.embed.positions.zero_()
    a, b = small.tokens()
    order_a, order_b = torch.tensor([3, 0, 5, 1, 4, 2]), torch.tensor([5, 4, 0, 2, 1, 3])
    torch.testing.assert_close(fusion(a[:, order_a], b[:, order_b]), fusion(a, b), **EXACT)
