"""Similarity matrix of all tokens, recomputed token by token."""

from __future__ import annotations

from math import exp
from statistics import fmean
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

permutations = st.permutations(range(6))


@torch.no_grad()
def test_corelnet(small: Any) -> None:
    fusion = small.build("corelnet:width=4")
    a, b = small.tokens()
    length = small.spec.tokens
    for i in range(small.batch):
        projected = [fusion.project.weight @ token + fusion.project.bias for token in [*a[i], *b[i]]]
        z = [token / token.norm() for token in projected]
        relations = []
        for row in z:
            exponentials = [exp(float(fusion.scale * row @ other)) for other in z]
            relations.append([2 * length * e / sum(exponentials) for e in exponentials])
        block = {
            (s, t): [row[t * length : (t + 1) * length] for row in relations[s * length : (s + 1) * length]]
            for s in (0, 1)
            for t in (0, 1)
        }
        expected: list[float] = []
        for pair in ([(0, 0), (1, 1)], [(0, 1), (1, 0)]):
            for statistic in (max, fmean):
                halves = [sorted(map(statistic, block[at])) for at in pair]
                expected += [(x + y) / 2 for x, y in zip(*halves, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), rtol=0, atol=1e-4)


@given(p=permutations, q=permutations)
@settings(max_examples=10, deadline=None)
def test_corelnet_does_not_see_the_order_of_tokens(small: Any, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build("corelnet"), small.tokens()
    torch.testing.assert_close(fusion(a[:, p], b[:, q]), fusion(a, b), rtol=0, atol=1e-4)


def test_corelnet_sees_relations_only(small: Any) -> None:
    """Rotating the projected features changes nothing: it reads angles, not features."""
    fusion, (a, b) = small.build("corelnet:width=5"), small.tokens()
    rotation = torch.linalg.qr(small.randn(5, 5)).Q
    with torch.no_grad():
        before = fusion(a, b)
        fusion.project.weight.copy_(rotation @ fusion.project.weight)
        fusion.project.bias.copy_(rotation @ fusion.project.bias)
        torch.testing.assert_close(fusion(a, b), before, rtol=0, atol=1e-4)
