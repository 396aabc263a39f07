"""Token fusions, recomputed with plain loops."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

EXACT = {"rtol": 0.0, "atol": 1e-5}


def cosine(x: Tensor, y: Tensor) -> float:
    return float(x @ y) / float(x @ x) ** 0.5 / float(y @ y) ** 0.5


# Late interaction


@torch.no_grad()
def test_maxsim(small: Any) -> None:
    fusion = small.build("maxsim:width=4:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.tokens()
    for i in range(small.batch):
        p, q = ([fusion.similarity.project(token) for token in side[i]] for side in (a, b))
        of_a = [max(cosine(x, y) for y in q) for x in p]
        of_b = [max(cosine(x, y) for x in p) for y in q]
        mean = (sum(of_a) / len(of_a) + sum(of_b) / len(of_b)) / 2
        assert float(fusion(a, b)[i]) == pytest.approx(3 * mean + 0.5, abs=1e-5)


@torch.no_grad()
def test_maxsim_of_an_image_with_itself_is_the_best_there_is(small: Any) -> None:
    fusion = small.build("maxsim:scale=3.0")
    a, b = small.tokens()
    torch.testing.assert_close(fusion(a, a), (3 + fusion.bias).expand(small.batch), **EXACT)
    assert (fusion(a, b) < fusion(a, a)).all()


# Bilinear attention


@pytest.mark.parametrize("shared", ["true", "false"])
@torch.no_grad()
def test_bilinear_attention(small: Any, shared: str) -> None:
    fusion = small.build(f"bilinear_attention:width=4:glimpses=2:shared={shared}")
    a, b = small.tokens()
    for i in range(small.batch):
        asks, answers = fusion.attend_a(a[i]).relu(), fusion.attend_b(b[i]).relu()
        left, right = fusion.value_a(a[i]), fusion.value_b(b[i])
        for g in range(2):
            weights = {
                (j, k): exp(sum(float(fusion.glimpses[g, d] * asks[j, d] * answers[k, d]) for d in range(4)))
                for j in range(small.spec.tokens)
                for k in range(small.spec.tokens)
            }
            total = sum(weights.values())
            expected = sum(weight / total * left[j] * right[k] for (j, k), weight in weights.items())
            torch.testing.assert_close(fusion(a, b)[i, 4 * g : 4 * g + 4], expected, **EXACT)


@torch.no_grad()
def test_bilinear_attention_shares_its_maps_where_it_says_so(small: Any) -> None:
    a, b = small.tokens()
    shared, classic = small.build("bilinear_attention"), small.build("bilinear_attention:shared=false")
    assert shared.symmetric
    assert not classic.symmetric
    torch.testing.assert_close(shared(a, b), shared(b, a), **EXACT)
    assert (classic(a, b) - classic(b, a)).abs().max() > 0.01


# Attention


@torch.no_grad()
def test_one_way_attention_asks_with_a(small: Any) -> None:
    fusion = small.build("one_way_attention:width=8:heads=2")
    a, b = small.tokens()
    for i in range(small.batch):
        s, t = fusion.embed(a[i : i + 1]), fusion.embed(b[i : i + 1])
        torch.testing.assert_close(fusion(a, b)[i], fusion.block(s, t)[0].mean(0), **EXACT)


@torch.no_grad()
def test_a_bottleneck_of_two_rounds(small: Any) -> None:
    fusion = small.build("attention_bottleneck:width=8:latents=3:depth=2:heads=2")
    a, b = small.tokens()
    length = small.spec.tokens
    for i in range(small.batch):
        streams = [fusion.embed(side[i : i + 1]) for side in (a, b)]
        z = fusion.latents
        for block in fusion.blocks:
            after = [block(torch.cat([stream, z], 1)) for stream in streams]
            streams = [tokens[:, :length] for tokens in after]
            z = (after[0][:, length:] + after[1][:, length:]) / 2
        expected = F.layer_norm(z[0].mean(0), (8,))
        torch.testing.assert_close(fusion(a, b)[i], expected, **EXACT)


@pytest.mark.parametrize(("depth", "additive"), [(1, True), (2, False)])
@torch.no_grad()
def test_a_bottleneck_joins_in_the_second_round(small: Any, depth: int, additive: bool) -> None:
    """After one round the latents are a sum of one term per image, which cannot express "equal"."""
    fusion = small.build(f"attention_bottleneck:width=8:heads=2:depth={depth}")
    fusion.norm = torch.nn.Identity()
    (a, b), (c, d) = small.tokens(), small.tokens(seed=1)
    gap = (fusion(a, b) + fusion(c, d) - fusion(a, d) - fusion(c, b)).abs().max()
    assert (gap < 1e-5) == additive


@torch.no_grad()
def test_a_resampler_does_not_see_which_image_a_token_is_from(small: Any) -> None:
    a, b = small.tokens()
    mixed = torch.tensor([True, False, False, True, True, False])[:, None]
    c, d = torch.where(mixed, a, b), torch.where(mixed, b, a)
    plain = small.build("latent_resampler:width=8:heads=2")
    told = small.build("latent_resampler:width=8:heads=2:segment_embedding=true")
    told.segments.mul_(50)
    torch.testing.assert_close(plain(c, d), plain(a, b), **EXACT)
    assert (told(c, d) - told(a, b)).abs().max() > 1e-3
    assert plain.symmetric
    assert not told.symmetric


@torch.no_grad()
def test_a_resampler_reads_and_thinks_in_turn(small: Any) -> None:
    fusion = small.build("latent_resampler:width=8:latents=3:depth=2:heads=2")
    a, b = small.tokens()
    for i in range(small.batch):
        both = torch.cat([fusion.embed(a[i : i + 1]), fusion.embed(b[i : i + 1])], dim=1)
        z = fusion.latents
        for k in range(2):
            z = fusion.read[k](z, both)
            z = fusion.think[k](z)
        torch.testing.assert_close(fusion(a, b)[i], F.layer_norm(z[0].mean(0), (8,)), **EXACT)
