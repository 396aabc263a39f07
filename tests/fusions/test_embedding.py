"""Joins of two embeddings, recomputed one sample and one dimension at a time."""

from __future__ import annotations

from math import exp
from typing import Any

import pytest
import torch
from torch import nn

EXACT = {"rtol": 0.0, "atol": 1e-5}


def dot(u: list[float], v: list[float]) -> float:
    return sum(x * y for x, y in zip(u, v, strict=True))


def affine(layer: nn.Linear, u: list[float]) -> list[float]:
    bias = [0.0] * layer.out_features if layer.bias is None else layer.bias.tolist()
    return [dot(row, u) + offset for row, offset in zip(layer.weight.tolist(), bias, strict=True)]


def relu(u: list[float]) -> list[float]:
    return [max(x, 0.0) for x in u]


def elementwise(name: str, u: list[float], v: list[float]) -> list[float]:
    pairs = list(zip(u, v, strict=True))
    total, product = [x + y for x, y in pairs], [x * y for x, y in pairs]
    distance = [abs(x - y) for x, y in pairs]
    return {
        "abs_diff": distance,
        "squared_diff": [(x - y) ** 2 for x, y in pairs],
        "signed_diff": [x - y for x, y in pairs],
        "hadamard": product,
        "concat": u + v,
        "max_min": [max(x, y) for x, y in pairs] + [min(x, y) for x, y in pairs],
        "heuristic": total + distance + product,
        "heuristic:classic=true": u + v + distance + product,
    }[name]


@pytest.mark.parametrize(
    "name",
    "abs_diff squared_diff signed_diff hadamard concat max_min heuristic heuristic:classic=true".split(),
)
@torch.no_grad()
def test_elementwise_joins(small: Any, name: str) -> None:
    a, b = small.embeddings()
    joined = small.build(name)(a, b)
    expected = [elementwise(name, u, v) for u, v in zip(a.tolist(), b.tolist(), strict=True)]
    torch.testing.assert_close(joined, torch.tensor(expected), **EXACT)


@pytest.mark.parametrize("shared", ["true", "false"])
@torch.no_grad()
def test_sum(small: Any, shared: str) -> None:
    fusion = small.build(f"sum:width=4:shared={shared}")
    a, b = small.embeddings()
    for i, (u, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        total = [x + y for x, y in zip(affine(fusion.left, u), affine(fusion.right, v), strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(relu(total)), **EXACT)


@pytest.mark.parametrize("shared", ["true", "false"])
@torch.no_grad()
def test_attention_sum(small: Any, shared: str) -> None:
    fusion = small.build(f"attention_sum:width=4:shared={shared}")
    for seed, weigh in enumerate((fusion.weigh_left, fusion.weigh_right)):
        weigh.weight.copy_(small.randn(1, small.spec.dim, seed=seed))
    a, b = small.embeddings()
    for i, (u, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        (of_u,), (of_v,) = affine(fusion.weigh_left, u), affine(fusion.weigh_right, v)
        alpha = exp(of_u) / (exp(of_u) + exp(of_v))
        mixed = zip(affine(fusion.left, u), affine(fusion.right, v), strict=True)
        torch.testing.assert_close(
            fusion(a, b)[i], torch.tensor([alpha * x + (1 - alpha) * y for x, y in mixed]), **EXACT
        )


@torch.no_grad()
def test_attention_sum_starts_as_a_mean_which_hides_the_difference(small: Any) -> None:
    """Moving u and v apart by the same amount leaves the mean, and so the join, where it was."""
    fusion, (a, b) = small.build("attention_sum"), small.embeddings()
    apart = small.randn(*a.shape, seed=1)
    torch.testing.assert_close(fusion(a + apart, b - apart), fusion(a, b), **EXACT)


@torch.no_grad()
def test_siamese_fc(small: Any) -> None:
    fusion = small.build("siamese_fc:width=4")
    assert [type(layer) for layer in fusion.layers] == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU]
    a, b = small.embeddings()
    for i, (u, v) in enumerate(zip(a.tolist(), b.tolist(), strict=True)):
        expected = relu(affine(fusion.layers[2], relu(affine(fusion.layers[0], u + v))))
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@pytest.mark.parametrize("name", ["abs_diff", "squared_diff", "signed_diff"])
def test_a_difference_of_identical_embeddings_is_zero(small: Any, name: str) -> None:
    for side in small.embeddings():
        assert not small.build(name)(side, side).any()


@pytest.mark.parametrize("name", ["sum", "attention_sum"])
def test_sharing_decides_the_symmetry_and_halves_the_weights(small: Any, name: str) -> None:
    shared, free = small.build(name), small.build(f"{name}:shared=false")
    assert (shared.symmetric, free.symmetric) == (True, False)
    assert 2 * sum(p.numel() for p in shared.parameters()) == sum(p.numel() for p in free.parameters())
