"""Controls, recomputed with plain loops."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch

EXACT = {"rtol": 0.0, "atol": 1e-5}


@torch.no_grad()
def test_what_the_controls_join(small: Any) -> None:
    a, b = small.embeddings()
    for i in range(small.batch):
        u, v = a[i].tolist(), b[i].tolist()
        expected = {
            "single_image": u,
            "concat_linear": u + v,
            "random_encoder": [abs(x - y) for x, y in zip(u, v, strict=True)],
        }
        for name, row in expected.items():
            torch.testing.assert_close(small.build(name)(a, b)[i], torch.tensor(row), **EXACT)


@torch.no_grad()
def test_pixel_distance(small: Any) -> None:
    fusion = small.build("pixel_distance")
    fusion.scale.fill_(2.0)
    a, b = small.randn(2, small.batch, 3, 4, 4)
    for i in range(small.batch):
        pixels = zip(a[i].flatten().tolist(), b[i].flatten().tolist(), strict=True)
        rms = sqrt(sum((x - y) ** 2 for x, y in pixels) / 48)
        assert float(fusion(a, b)[i]) == pytest.approx(1 - 2 * rms, abs=1e-5)
    torch.testing.assert_close(fusion(a, a), torch.ones(small.batch), **EXACT)


@torch.no_grad()
def test_decision_average_is_additive(small: Any) -> None:
    """f(a, b) + f(c, d) = f(a, d) + f(c, b): no such score can express "equal"."""
    fusion, (a, b), (c, d) = small.build("decision_average"), small.embeddings(), small.embeddings(seed=1)
    torch.testing.assert_close(fusion(a, b) + fusion(c, d), fusion(a, d) + fusion(c, b), **EXACT)
    torch.testing.assert_close(fusion(a, b), (fusion.decide(a) + fusion.decide(b)).flatten() / 2, **EXACT)
