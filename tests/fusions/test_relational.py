"""Relational fusions, recomputed with plain loops and with PyTorch's own attention."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import UsageError

EXACT = {"rtol": 0.0, "atol": 1e-5}
permutations = st.permutations(range(6))


# Relation network


@torch.no_grad()
def test_relation_network(small: Any) -> None:
    fusion = small.build("relation_network:width=4")
    a, b = small.tokens()
    layer = torch.cat([fusion.first.weight, fusion.second.weight], dim=1)

    def g(x: Tensor, y: Tensor) -> Tensor:
        hidden = F.gelu(layer @ torch.cat([x, y]) + fusion.first.bias)
        return F.gelu(fusion.hidden.weight @ hidden + fusion.hidden.bias)

    for i in range(small.batch):
        pairs = [g(x, y) + g(y, x) for x in a[i] for y in b[i]]
        torch.testing.assert_close(fusion(a, b)[i], sum(pairs) / len(pairs), **EXACT)


@given(p=permutations, q=permutations)
@settings(max_examples=10, deadline=None)
def test_relation_network_does_not_see_the_order_of_tokens(small: Any, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build("relation_network"), small.tokens()
    torch.testing.assert_close(fusion(a[:, p], b[:, q]), fusion(a, b), rtol=0, atol=1e-4)


# Abstractor


@torch.no_grad()
def test_relational_cross_attention_is_torchs_attention_over_symbols(small: Any) -> None:
    fusion = small.build("relational_cross_attention:width=8:heads=2")
    layer = fusion.attention
    reference = nn.MultiheadAttention(8, 2, batch_first=True)
    reference.in_proj_weight.copy_(torch.cat([layer.queries.weight, layer.keys.weight, layer.values.weight]))
    reference.in_proj_bias.copy_(torch.cat([layer.queries.bias, torch.zeros(8), layer.values.bias]))
    reference.out_proj.load_state_dict(layer.out.state_dict())
    a, b = small.tokens()
    s, t = (F.layer_norm(fusion.embed(side), (8,)) for side in (a, b))
    symbols = fusion.symbols.repeat(small.batch, 1, 1)
    expected = torch.zeros(small.batch, 8)
    for x, context in ((s, t), (t, s)):
        abstract = reference(x, context, symbols)[0]
        expected += (abstract + fusion.mlp(F.layer_norm(abstract, (8,)))).mean(1)
    torch.testing.assert_close(fusion(a, b), expected, **EXACT)


@torch.no_grad()
def test_features_reach_the_abstractor_through_attention_alone(small: Any) -> None:
    """Where all tokens of an image are alike, attention is even and nothing tells one image from another."""
    fusion = small.build("relational_cross_attention:width=8:heads=2")
    a, b = small.tokens()
    assert fusion(a, b).std(0).max() > 1e-3
    fusion.embed.positions.zero_()
    flat_a, flat_b = (side[:, :1].expand_as(side) for side in (a, b))
    torch.testing.assert_close(fusion(flat_a, flat_b), fusion(flat_b, flat_a)[:1].expand(small.batch, -1), **EXACT)


# Dual attention


@torch.no_grad()
def test_relational_attention(small: Any) -> None:
    layer = small.build("dual_attention:width=8:heads=2:relations=4").relational
    x, context = small.randn(2, 6, 8), small.randn(2, 6, 8, seed=1)
    for n in range(2):
        queries, keys = layer.queries(x[n]), layer.keys(context[n])
        left, right = layer.relate(x[n]), layer.relate(context[n])
        for i in range(6):
            heads = []
            for h in range(2):
                own = slice(4 * h, 4 * h + 4)
                alpha = torch.stack([queries[i, own] @ keys[j, own] / sqrt(4) for j in range(6)]).softmax(0)
                total = torch.zeros(4)
                for j in range(6):
                    dims = [slice(2 * k, 2 * k + 2) for k in range(4)]
                    relations = torch.stack([left[i, d] @ right[j, d] / sqrt(2) for d in dims])
                    total += alpha[j] * (relations @ layer.of_relations[h] + layer.symbols[h, j])
                heads.append(total)
            expected = layer.out.weight @ torch.cat(heads)
            torch.testing.assert_close(layer(x, context)[n, i], expected, **EXACT)


@torch.no_grad()
def test_dual_attention_adds_what_both_attentions_find(small: Any) -> None:
    fusion = small.build("dual_attention:width=8:heads=2")
    a, b = small.tokens()
    s, t = fusion.embed(a), fusion.embed(b)
    means = []
    for x, context in ((s, t), (t, s)):
        normed, other = F.layer_norm(x, (8,)), F.layer_norm(context, (8,))
        x = x + fusion.sensory(normed, other) + fusion.relational(normed, other)
        means.append((x + fusion.mlp(F.layer_norm(x, (8,)))).mean(1))
    u, v = means
    torch.testing.assert_close(fusion(a, b), torch.cat([(u - v).abs(), u * v], dim=1), **EXACT)


def test_relations_must_divide_the_width(small: Any) -> None:
    with pytest.raises(UsageError, match="relations=3 must divide width=8"):
        small.build("dual_attention:width=8:relations=3")


# Symbol binding


@torch.no_grad()
def test_esbn_is_the_papers_loop_over_a_memory(small: Any) -> None:
    """Written as the paper does, with a memory that grows: read, then write, and one more step at the end."""
    fusion = small.build("esbn:width=5:key=3")
    lstm = nn.LSTM(4, 5, batch_first=True)
    lstm.load_state_dict({f"{name}_l0": weight for name, weight in fusion.controller.state_dict().items()})
    a, b = small.embeddings()
    for i in range(small.batch):
        memory: list[tuple[Tensor, Tensor]] = []
        recalled, state = torch.zeros(4), (torch.zeros(1, 1, 5), torch.zeros(1, 1, 5))
        for item in (a[i], b[i], None):
            output, state = lstm(recalled[None, None], state)
            hidden = output[0, 0]
            if item is None:
                break
            recalled = torch.zeros(4)
            if memory:
                cosines = torch.stack([F.cosine_similarity(item, value, dim=0) for _, value in memory])
                confidence = (fusion.gain * cosines + fusion.bias).sigmoid()
                for (key, _), weight, c in zip(memory, cosines.softmax(0), confidence, strict=True):
                    recalled += weight * torch.cat([key, c[None]])
                recalled *= fusion.gate(hidden).sigmoid()
            memory.append((fusion.write(hidden).relu(), item))
        torch.testing.assert_close(fusion(a, b)[i], hidden, **EXACT)


@torch.no_grad()
def test_the_controller_of_esbn_sees_the_angle_alone(small: Any) -> None:
    fusion, (a, b) = small.build("esbn"), small.embeddings()
    rotation = torch.linalg.qr(small.randn(6, 6)).Q
    torch.testing.assert_close(fusion(2 * a @ rotation, 3 * b @ rotation), fusion(a, b), **EXACT)
    assert fusion(a, b).std(0).max() > 1e-3


# Context normalisation


@torch.no_grad()
def test_pair_norm(small: Any) -> None:
    fusion = small.build("pair_norm:width=4:eps=0.3")
    a, b = small.embeddings()
    for i in range(small.batch):
        normed = []
        for side in (a, b):
            z = []
            for d in range(small.spec.dim):
                u, v = float(a[i, d]), float(b[i, d])
                mean = (u + v) / 2
                variance = ((u - mean) ** 2 + (v - mean) ** 2) / 2
                z.append((float(side[i, d]) - mean) / sqrt(variance + 0.3))
            normed.append(torch.tensor(z))
        expected = sum(F.gelu(fusion.readout(z)) for z in normed)
        torch.testing.assert_close(fusion(a, b)[i], expected, **EXACT)


@torch.no_grad()
def test_with_a_tiny_eps_pair_norm_sees_only_which_is_larger(small: Any) -> None:
    a, b = small.embeddings()
    for eps, blind in (("1e-8", True), ("0.1", False)):
        fusion = small.build(f"pair_norm:eps={eps}")
        gap = (fusion(a, a + 3 * (b - a)) - fusion(a, b)).abs().max()
        assert (gap < 1e-4) == blind


@torch.no_grad()
def test_pair_norm_sees_no_more_than_the_difference(small: Any) -> None:
    fusion, (a, b), (shift, _) = small.build("pair_norm"), small.embeddings(), small.embeddings(seed=1)
    torch.testing.assert_close(fusion(a + shift, b + shift), fusion(a, b), **EXACT)


def test_the_eps_of_pair_norm_must_be_positive(small: Any) -> None:
    with pytest.raises(UsageError, match=r"fusion pair_norm: eps=0.0 must be above 0"):
        small.build("pair_norm:eps=0.0")


# Message passing


@torch.no_grad()
def test_bipartite_graph(small: Any) -> None:
    fusion = small.build("bipartite_graph:width=8:rounds=2:heads=2")
    a, b = small.tokens()
    for i in range(small.batch):
        s, t = fusion.embed(a[i : i + 1]), fusion.embed(b[i : i + 1])
        for k in range(2):
            new_s, new_t = fusion.within[k](s), fusion.within[k](t)
            s, t = fusion.across[k](new_s, new_t), fusion.across[k](new_t, new_s)
        u, v = s[0].mean(0), t[0].mean(0)
        torch.testing.assert_close(fusion(a, b)[i], torch.cat([(u - v).abs(), u * v]), **EXACT)
