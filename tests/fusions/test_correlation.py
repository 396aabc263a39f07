"""Correlation volume, recomputed position by position."""

from __future__ import annotations

from statistics import fmean
from typing import Any

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

permutations = st.permutations(range(6))


@torch.no_grad()
def test_correlation(small: Any) -> None:
    fusion = small.build("correlation:width=4")
    a, b = small.maps()
    weight, bias = fusion.project.weight.flatten(1), fusion.project.bias

    def positions(feature_map: Tensor) -> list[Tensor]:
        columns = [weight @ feature_map[:, y, x] + bias for y in range(2) for x in range(3)]
        return [column / column.norm() for column in columns]

    for i in range(small.batch):
        p, q = positions(a[i]), positions(b[i])
        rows = [[float(p_i @ q_j) for q_j in q] for p_i in p]
        columns = [list(column) for column in zip(*rows, strict=True)]
        expected = []
        for statistic in (max, fmean):
            by_row, by_column = sorted(map(statistic, rows)), sorted(map(statistic, columns))
            expected += [(x + y) / 2 for x, y in zip(by_row, by_column, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), rtol=0, atol=1e-5)


@given(p=permutations, q=permutations)
@settings(max_examples=10, deadline=None)
def test_correlation_does_not_see_the_order_of_positions(small: Any, p: list[int], q: list[int]) -> None:
    fusion, (a, b) = small.build("correlation"), small.maps()
    moved = [side.flatten(2)[:, :, order].unflatten(2, (2, 3)) for side, order in ((a, p), (b, q))]
    torch.testing.assert_close(fusion(*moved), fusion(a, b), rtol=0, atol=1e-4)
