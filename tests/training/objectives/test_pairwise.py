"""Terms of pairs: recomputed pair by pair, equal to torch's own where it has them, and safe where two images agree."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

PAIR_TERMS = ["contrastive", "contrastive:normalise=false", "double_margin", "cosine_embedding"]


def distance(u: list[float], v: list[float]) -> float:
    return math.dist(unit(u), unit(v))


def unit(x: list[float]) -> list[float]:
    return [value / math.hypot(*x) for value in x]


def cosine(u: list[float], v: list[float]) -> float:
    return sum(a * b for a, b in zip(unit(u), unit(v), strict=True))


BY_HAND: dict[str, Callable[[list[float], list[float], int], float]] = {
    "contrastive:margin=1.5": lambda u, v, same: distance(u, v) ** 2 if same else max(0.0, 1.5 - distance(u, v)) ** 2,
    "contrastive:margin=3:normalise=false": lambda u, v, same: (
        math.dist(u, v) ** 2 if same else max(0.0, 3 - math.dist(u, v)) ** 2
    ),
    "double_margin:near=0.4:far=1.6": lambda u, v, same: (
        max(0.0, distance(u, v) - 0.4) ** 2 if same else max(0.0, 1.6 - distance(u, v)) ** 2
    ),
    "cosine_embedding:margin=-0.2": lambda u, v, same: 1 - cosine(u, v) if same else max(0.0, cosine(u, v) + 0.2),
}


@pytest.mark.parametrize("text", BY_HAND)
@given(label=st.lists(st.integers(0, 1), min_size=2, max_size=20).filter(lambda y: 0 < sum(y) < len(y)))
@settings(max_examples=15, deadline=None)
def test_the_mean_over_same_and_over_different_pairs_count_alike(one, text: str, label: list[int]) -> None:
    u, v = one.randn(2, len(label), 5)
    losses: dict[int, list[float]] = {0: [], 1: []}
    for x, y, same in zip(u.tolist(), v.tolist(), label, strict=True):
        losses[same].append(BY_HAND[text](x, y, same))
    expected = sum(sum(side) / len(side) for side in losses.values()) / 2
    assert float(one.of_pairs(text, u, v, torch.tensor(label))) == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_cosine_embedding_is_that_of_torch_when_balanced(one) -> None:
    u, v = one.randn(2, 12, 5)
    label = torch.arange(12) % 2
    for margin in (0.0, 0.3):
        expected = F.cosine_embedding_loss(u, v, 2 * label - 1, margin=margin)
        got = one.of_pairs(f"cosine_embedding:margin={margin}", u, v, label)
        assert float(got) == pytest.approx(float(expected), rel=1e-5)


def test_contrastive_is_the_squared_hinge_embedding_of_torch_when_balanced(one) -> None:
    u, v = F.normalize(one.randn(2, 12, 5), dim=2)
    label = torch.arange(12) % 2
    each = F.hinge_embedding_loss((u - v).norm(dim=1), 2 * label - 1, margin=1.2, reduction="none")
    assert float(one.of_pairs("contrastive:margin=1.2", u, v, label)) == pytest.approx(float(each.square().mean()))


@pytest.mark.parametrize("text", PAIR_TERMS)
@pytest.mark.parametrize("kind", [0, 1])
def test_identical_and_zero_images_have_finite_gradients(one, finite, text: str, kind: int) -> None:
    label = torch.full((4,), kind)
    for at in (one.randn(4, 5), torch.zeros(4, 5)):
        finite(lambda u: one.of_pairs(text, u, u, label), at)
        finite(lambda u: one.of_pairs(text, u, u.detach(), label), at)


@pytest.mark.parametrize("text", PAIR_TERMS)
def test_a_step_brings_same_pairs_together_and_takes_different_ones_apart(one, finite, text: str) -> None:
    u, v = one.randn(2, 8, 5)
    v = u + 0.5 * v
    for kind, sign in ((1, -1), (0, 1)):
        gradient = finite(lambda x: one.of_pairs(text, x, v, torch.full((8,), kind)), u)  # noqa: B023
        if "cosine" in text:
            change = F.cosine_similarity(u, v) - F.cosine_similarity(u - 0.01 * gradient, v)
        else:
            change = (u - 0.01 * gradient - v).norm(dim=1) - (u - v).norm(dim=1)
        assert float(change.sum()) * sign > 0
