"""Matching fusions against plain loops, linear programming and a search over all assignments."""

from __future__ import annotations

import inspect
from itertools import permutations as all_permutations
from math import dist, exp, sqrt
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import Tensor
from torch.nn import functional as F

from bench.errors import UsageError

EXACT = {"rtol": 0.0, "atol": 1e-5}
permutations = st.permutations(range(6))


def cosines(fusion: Any, a: Tensor, b: Tensor) -> list[list[float]]:
    """Cosine of each projected token of a (L, D) with each of b, one at a time."""
    p, q = ([fusion.similarity.project(token) for token in side] for side in (a, b))
    return [[float(x @ y / (x @ x).sqrt() / (y @ y).sqrt()) for y in q] for x in p]


# Optimal transport


def transport_cost(cost: np.ndarray) -> float:
    """Cost of the optimal plan between uniform marginals, by linear programming."""
    rows, columns = cost.shape
    constraints, totals = [], []
    for i in range(rows):
        constraints.append((np.arange(rows) == i).repeat(columns))
        totals.append(1 / rows)
    for j in range(columns):
        constraints.append(np.tile(np.arange(columns) == j, rows))
        totals.append(1 / columns)
    return float(linprog(cost.ravel(), A_eq=np.array(constraints, float), b_eq=totals).fun)


def alternating_sinkhorn(cost: list[list[float]], eps: float, iterations: int) -> list[list[float]]:
    """The textbook iteration: scale the rows, then the columns."""
    kernel = [[exp(-x / eps) for x in row] for row in cost]
    rows, columns = [1.0] * len(cost), [1.0] * len(cost[0])
    for _ in range(iterations):
        rows = [1 / len(rows) / sum(k * v for k, v in zip(row, columns, strict=True)) for row in kernel]
        columns = [
            1 / len(columns) / sum(kernel[i][j] * rows[i] for i in range(len(rows))) for j in range(len(columns))
        ]
    return [[rows[i] * k * columns[j] for j, k in enumerate(row)] for i, row in enumerate(kernel)]


def plan(small: Any, cost: Tensor, eps: float, iterations: int) -> Tensor:
    module = inspect.getmodule(type(small.build("sinkhorn")))
    return module.transport_plan(cost, eps, iterations)  # type: ignore[union-attr]


def test_the_plan_is_that_of_the_textbook(small: Any) -> None:
    cost = small.randn(2, 4, 6).double().abs()
    ours = plan(small, cost, eps=0.2, iterations=200)
    for i in range(2):
        expected = torch.tensor(alternating_sinkhorn(cost[i].tolist(), 0.2, 500), dtype=torch.float64)
        torch.testing.assert_close(ours[i], expected, rtol=0, atol=1e-8)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=10, deadline=None)
def test_the_default_steps_make_the_marginals_uniform(small: Any, seed: int) -> None:
    fusion = small.build("sinkhorn")
    p, q = F.normalize(small.randn(2, 4, 16, 32, seed=seed), dim=3)
    transport = plan(small, 1 - p @ q.transpose(1, 2), fusion.eps, fusion.iterations)
    for side in (1, 2):
        torch.testing.assert_close(transport.sum(side), torch.full((4, 16), 1 / 16), rtol=0.1, atol=0)


def test_with_small_eps_it_costs_what_linear_programming_finds(small: Any) -> None:
    """At eps = 0.002, exp(-cost / eps) is 0 for any cost above 2: only the log domain gets there."""
    cost = 2 + small.randn(3, 5, 5).double().abs()
    transport = plan(small, cost, eps=0.002, iterations=5000)
    for i in range(3):
        assert float((transport[i] * cost[i]).sum()) == pytest.approx(transport_cost(cost[i].numpy()), abs=1e-3)


def test_the_plan_of_the_swapped_pair_is_the_transpose(small: Any) -> None:
    cost = small.randn(2, 4, 6).double().abs()
    there, back = plan(small, cost, 0.1, 3), plan(small, cost.transpose(1, 2), 0.1, 3)
    torch.testing.assert_close(back, there.transpose(1, 2), rtol=0, atol=1e-12)


@torch.no_grad()
def test_sinkhorn_scores_by_the_cost(small: Any) -> None:
    fusion = small.build("sinkhorn:width=4:eps=0.5:iterations=100:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.tokens()
    for i in range(small.batch):
        cost = [[1 - c for c in row] for row in cosines(fusion, a[i], b[i])]
        transport = alternating_sinkhorn(cost, 0.5, 200)
        total = sum(t * c for ts, cs in zip(transport, cost, strict=True) for t, c in zip(ts, cs, strict=True))
        assert float(fusion(a, b)[i]) == pytest.approx(0.5 - 3 * total, abs=1e-4)


@pytest.mark.parametrize("eps", ["0.0", "-1.0"])
def test_eps_must_be_positive(small: Any, eps: str) -> None:
    with pytest.raises(UsageError, match=f"fusion sinkhorn: eps={eps} must be above 0"):
        small.build(f"sinkhorn:eps={eps}")


# Mutual softmax


@torch.no_grad()
def test_mutual_softmax(small: Any) -> None:
    fusion = small.build("mutual_softmax:width=4:scale=5.0")
    a, b = small.tokens()
    length = range(small.spec.tokens)
    for i in range(small.batch):
        c = cosines(fusion, a[i], b[i])
        e = [[exp(5 * x) for x in row] for row in c]
        match = [[e[j][k] / sum(e[j]) * e[j][k] / sum(e[m][k] for m in length) for k in length] for j in length]
        weighted = [[match[j][k] * c[j][k] for k in length] for j in length]
        expected = []
        for values in (match, weighted):
            of_a, of_b = sorted(map(sum, values)), sorted(map(sum, zip(*values, strict=True)))
            expected += [(x + y) / 2 for x, y in zip(of_a, of_b, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@torch.no_grad()
def test_an_image_matches_itself_when_the_temperature_is_low(small: Any) -> None:
    fusion = small.build("mutual_softmax:scale=1000.0")
    a, _ = small.tokens()
    torch.testing.assert_close(fusion(a, a), torch.ones(small.batch, 12), rtol=0, atol=1e-3)


# Chamfer


@torch.no_grad()
def test_chamfer(small: Any) -> None:
    fusion = small.build("chamfer:width=4:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.tokens()
    for i in range(small.batch):
        p, q = ([fusion.project(F.layer_norm(token, (5,))).tolist() for token in side[i]] for side in (a, b))
        of_a = [min(dist(x, y) for y in q) / sqrt(4) for x in p]
        of_b = [min(dist(x, y) for x in p) / sqrt(4) for y in q]
        mean = (sum(of_a) / len(of_a) + sum(of_b) / len(of_b)) / 2
        assert float(fusion(a, b)[i]) == pytest.approx(0.5 - 3 * mean, abs=1e-5)
    torch.testing.assert_close(fusion(a, a), torch.full((small.batch,), 0.5), rtol=0, atol=1e-4)


# Assignment


@torch.no_grad()
def test_hungarian_score_is_the_best_of_all_assignments(small: Any) -> None:
    fusion = small.build("hungarian_score:width=4:scale=3.0")
    fusion.bias.fill_(0.5)
    a, b = small.tokens()
    for i in range(small.batch):
        c = cosines(fusion, a[i], b[i])
        best = max(sum(c[j][k] for j, k in enumerate(order)) for order in all_permutations(range(6)))
        assert float(fusion(a, b)[i]) == pytest.approx(3 * best / 6 + 0.5, abs=1e-5)


@torch.no_grad()
def test_one_to_one_is_stricter_than_the_nearest_and_transport_agrees_with_it(small: Any) -> None:
    """Between as many tokens, the optimal plan without entropy is an assignment."""
    a, b = small.tokens()
    one_to_one, nearest = small.build("hungarian_score:scale=1.0"), small.build("maxsim:scale=1.0")
    transport = small.build("sinkhorn:scale=1.0:eps=0.001:iterations=3000")
    for fusion in (nearest, transport):
        fusion.similarity.load_state_dict(one_to_one.similarity.state_dict())
    for fusion in (one_to_one, nearest, transport):
        fusion.bias.zero_()
    assert (one_to_one(a, b) < nearest(a, b)).all()
    torch.testing.assert_close(1 + transport(a, b), one_to_one(a, b), rtol=0, atol=2e-3)


def test_an_assignment_of_values_that_are_not_finite_raises_nothing(small: Any) -> None:
    fusion, (a, b) = small.build("hungarian_score"), small.tokens()
    a[0, 0, 0] = float("nan")
    scores = fusion(a, b)
    assert scores.isfinite().tolist() == [False, True, True]


# All of them

SCORES = ("sinkhorn", "chamfer", "hungarian_score", "maxsim")


@pytest.mark.parametrize("name", [*SCORES, "mutual_softmax"])
@given(p=permutations, q=permutations)
@settings(max_examples=10, deadline=None)
def test_a_matching_does_not_see_the_order_of_tokens(small: Any, name: str, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build(name), small.tokens()
    torch.testing.assert_close(fusion(a[:, p], b[:, q]), fusion(a, b), rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", [*SCORES, "mutual_softmax"])
def test_the_gradient_is_that_of_the_score(small: Any, name: str) -> None:
    """Also where a choice is made on the way: it does not change with the input but at ties."""
    fusion = small.build(f"{name}:width=4").double()
    a, b = (side[:2, :4].double().requires_grad_() for side in small.tokens())
    assert torch.autograd.gradcheck(fusion, (a, b), atol=1e-6)


@pytest.mark.parametrize("name", SCORES)
@torch.no_grad()
def test_a_permuted_copy_scores_higher_than_another_image(small: Any, name: str) -> None:
    fusion, (a, b) = small.build(name), small.tokens()
    assert (fusion(a, a[:, [2, 0, 1, 5, 4, 3]]) > fusion(a, b)).all()
