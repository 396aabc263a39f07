"""Gated joins of two embeddings, recomputed one sample at a time."""

from __future__ import annotations

from math import exp, tanh
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

EXACT = {"rtol": 0.0, "atol": 1e-5}
SHARED = pytest.mark.parametrize("shared", ["true", "false"])


@SHARED
@torch.no_grad()
def test_gated(small: Any, shared: str) -> None:
    fusion, (a, b) = small.build(f"gated:width=4:shared={shared}"), small.embeddings()
    for i in range(small.batch):
        gate = fusion.gate(a[i] - b[i] if shared == "true" else torch.cat([a[i], b[i]])).tolist()
        expected = []
        for x, y, g in zip(fusion.left(a[i]).tolist(), fusion.right(b[i]).tolist(), gate, strict=True):
            z = 1 / (1 + exp(-g))
            expected.append(z * tanh(x) + (1 - z) * tanh(y))
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@torch.no_grad()
def test_a_gate_mixes_and_does_not_compare(small: Any) -> None:
    """Every entry lies between those of the two images."""
    fusion, (a, b) = small.build("gated"), small.embeddings()
    u, v = fusion.left(a).tanh(), fusion.left(b).tanh()
    joined = fusion(a, b)
    assert (joined >= torch.minimum(u, v) - 1e-6).all()
    assert (joined <= torch.maximum(u, v) + 1e-6).all()


@SHARED
@torch.no_grad()
def test_mixture(small: Any, shared: str) -> None:
    fusion, (a, b) = small.build(f"mixture:width=4:shared={shared}"), small.embeddings()
    for i in range(small.batch):
        u, v = a[i], b[i]
        cosine = ((u @ v) / (u.norm() * v.norm())).reshape(1)
        seen = torch.cat([u + v, (u - v).abs(), u * v, cosine])
        gates = [exp(x) for x in fusion.gate(seen).tolist()]
        experts = [
            fusion.left(u) + fusion.right(v),
            fusion.of_difference((u - v).abs()),
            fusion.of_product(u * v),
            fusion.of_cosine(cosine),
        ]
        expected = sum(g / sum(gates) * expert for g, expert in zip(gates, experts, strict=True))
        torch.testing.assert_close(fusion(a, b)[i], expected, **EXACT)


@torch.no_grad()
def test_a_mixture_with_one_open_gate_is_that_join(small: Any) -> None:
    fusion, (a, b) = small.build("mixture"), small.embeddings()
    fusion.gate.bias.copy_(torch.tensor([0.0, 100.0, 0.0, 0.0]))
    torch.testing.assert_close(fusion(a, b), fusion.of_difference((a - b).abs()), **EXACT)


@SHARED
@torch.no_grad()
def test_the_gates_of_a_mixture_are_weights_and_blind_to_the_order(small: Any, shared: str) -> None:
    fusion, (a, b) = small.build(f"mixture:shared={shared}"), small.embeddings()
    gates = fusion.gates(a, b)
    assert gates.shape == (small.batch, 4)
    torch.testing.assert_close(gates.sum(1), torch.ones(small.batch), **EXACT)
    torch.testing.assert_close(fusion.gates(b, a), gates, **EXACT)


@SHARED
@torch.no_grad()
def test_product_of_experts_is_the_product_of_the_densities(small: Any, shared: str) -> None:
    """Mean and variance of the normalised product, integrated on a grid."""
    fusion, (a, b) = small.build(f"product_of_experts:width=2:shared={shared}"), small.embeddings()
    grid = np.linspace(-12, 12, 20_001)

    def density(mean: float, log_precision: float) -> np.ndarray:
        return np.exp(-((grid - mean) ** 2) * exp(log_precision) / 2)

    for i in range(small.batch):
        left, right = fusion.left(a[i]).tolist(), fusion.right(b[i]).tolist()
        for k in range(2):
            product = density(0, 0) * density(left[k], left[2 + k]) * density(right[k], right[2 + k])
            product /= product.sum()
            mean = (product * grid).sum()
            variance = (product * (grid - mean) ** 2).sum()
            assert float(fusion(a, b)[i, k]) == pytest.approx(mean, abs=1e-4)
            assert float(fusion(a, b)[i, 2 + k]) == pytest.approx(-np.log(variance), abs=1e-3)


@given(st.floats(1, 1e4))
@settings(max_examples=20, deadline=None)
def test_product_of_experts_stays_finite_where_an_expert_is_certain(small: Any, scale: float) -> None:
    fusion, (a, b) = small.build("product_of_experts"), small.embeddings()
    assert torch.isfinite(fusion(scale * a, scale * b)).all()


@torch.no_grad()
def test_hypernetwork_generates_a_head_for_the_other_image(small: Any) -> None:
    width, hidden = 3, 2
    fusion, (a, b) = small.build(f"hypernetwork:width={width}:hidden={hidden}:both=false"), small.embeddings()
    for i in range(small.batch):
        p = fusion.project(a[i]).tolist()
        first, second = fusion.first(b[i]).tolist(), fusion.second(b[i]).tolist()
        score = second[0]
        for h in range(hidden):
            row = first[h * (width + 1) : (h + 1) * (width + 1)]
            value = row[0] + sum(w * x for w, x in zip(row[1:], p, strict=True))
            score += second[1 + h] * float(F.gelu(torch.tensor(value)))
        assert float(fusion(a, b)[i]) == pytest.approx(score, abs=1e-5)


@torch.no_grad()
def test_hypernetwork_averages_both_ways(small: Any) -> None:
    both, one = small.build("hypernetwork"), small.build("hypernetwork:both=false")
    a, b = small.embeddings()
    torch.testing.assert_close(both(a, b), (one(a, b) + one(b, a)) / 2, **EXACT)
    assert (both.symmetric, one.symmetric) == (True, False)


@pytest.mark.parametrize("name", ["gated", "mixture", "product_of_experts"])
def test_sharing_decides_the_symmetry(small: Any, name: str) -> None:
    shared, free = small.build(name), small.build(f"{name}:shared=false")
    a, b = small.embeddings()
    torch.testing.assert_close(shared(a, b), shared(b, a), **EXACT)
    assert (free(a, b) - free(b, a)).abs().max() > 1e-3
    assert (shared.symmetric, free.symmetric) == (True, False)
