"""Bilinear joins with factorised cores, recomputed with plain loops and by rebuilding their cores."""

from __future__ import annotations

from math import sqrt
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.errors import UsageError

EXACT = {"rtol": 0.0, "atol": 1e-5}
EPS = 1e-3
SHARED = pytest.mark.parametrize("shared", ["true", "false"])


def dot(u: list[float], v: list[float]) -> float:
    return sum(x * y for x, y in zip(u, v, strict=True))


def powered(z: list[float]) -> list[float]:
    """Signed square root, then a root mean square of 1."""
    roots = [(1 if x > 0 else -1) * (sqrt(abs(x) + EPS) - sqrt(EPS)) for x in z]
    return [x / sqrt(sum(y * y for y in roots) / len(roots) + EPS) for x in roots]


@SHARED
@torch.no_grad()
def test_low_rank_bilinear(small: Any, shared: str) -> None:
    fusion = small.build(f"low_rank_bilinear:rank=2:width=4:shared={shared}")
    a, b = small.embeddings()
    left, right, weight = fusion.left.tolist(), fusion.right.tolist(), fusion.weight.tolist()
    expected = [
        [sum(weight[r] * dot(left[r][k], [*u, 1.0]) * dot(right[r][k], [*v, 1.0]) for r in range(2)) for k in range(4)]
        for u, v in zip(a.tolist(), b.tolist(), strict=True)
    ]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected), **EXACT)
    assert (fusion.left is fusion.right) == (shared == "true")
    assert fusion.symmetric == (shared == "true")


@torch.no_grad()
def test_low_rank_bilinear_is_a_bilinear_form(small: Any) -> None:
    """With the ones appended it is affine in each input: second differences vanish."""
    fusion, (a, b), (c, _) = small.build("low_rank_bilinear"), small.embeddings(), small.embeddings(seed=1)
    zero = torch.zeros_like(a)
    in_a = fusion(a + c, b) - fusion(a, b) - fusion(c, b) + fusion(zero, b)
    in_b = fusion(b, a + c) - fusion(b, a) - fusion(b, c) + fusion(b, zero)
    torch.testing.assert_close(torch.cat([in_a, in_b]), torch.zeros_like(torch.cat([in_a, in_b])), rtol=0, atol=1e-4)


@SHARED
@torch.no_grad()
def test_mlb(small: Any, shared: str) -> None:
    fusion = small.build(f"mlb:width=4:shared={shared}")
    a, b = small.embeddings()
    for i in range(small.batch):
        left, right = fusion.left(a[i]).tanh().tolist(), fusion.right(b[i]).tanh().tolist()
        expected = [x * y for x, y in zip(left, right, strict=True)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@SHARED
@pytest.mark.parametrize("order", [1, 3])
@torch.no_grad()
def test_mfb_and_its_cascade(small: Any, order: int, shared: str) -> None:
    rank, width = 2, 3
    fusion = small.build(f"mfb:rank={rank}:width={width}:order={order}:shared={shared}")
    assert fusion.out_dim == order * width
    a, b = small.embeddings()
    for i in range(small.batch):
        product, expected = [1.0] * (rank * width), []
        for left, right in zip(fusion.left, fusion.right, strict=True):
            factors = zip(product, left(a[i]).tolist(), right(b[i]).tolist(), strict=True)
            product = [z * x * y for z, x, y in factors]
            expected += powered([sum(product[r * width + k] for r in range(rank)) for k in range(width)])
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), rtol=0, atol=1e-4)


@SHARED
@torch.no_grad()
def test_mutan_is_a_tucker_fusion_whose_core_has_low_rank(small: Any, shared: str) -> None:
    fusion = small.build(f"mutan:rank=2:projected=5:width=4:shared={shared}")
    a, b = small.embeddings()
    layer = nn.Bilinear(5, 5, 4, bias=False)
    for k in range(4):
        slices = [torch.outer(fusion.left_factors[r, k], fusion.right_factors[r, k]) for r in range(2)]
        assert all(int(torch.linalg.matrix_rank(part)) == 1 for part in slices)
        layer.weight[k] = slices[0] + slices[1]
    expected = layer(fusion.left(a).tanh(), fusion.right(b).tanh())
    torch.testing.assert_close(fusion(a, b), expected, **EXACT)


@SHARED
@torch.no_grad()
def test_block_meets_chunk_by_chunk(small: Any, shared: str) -> None:
    fusion = small.build(f"block:width=6:chunks=2:rank=2:shared={shared}")
    a, b = small.embeddings()
    m, n = fusion.left_factors.tolist(), fusion.right_factors.tolist()

    def chunk(p: list[float], q: list[float], c: int) -> list[float]:
        p, q = p[3 * c : 3 * c + 3], q[3 * c : 3 * c + 3]
        return powered([sum(dot(m[c][r][k], p) * dot(n[c][r][k], q) for r in range(2)) for k in range(3)])

    for i in range(small.batch):
        p, q = fusion.left(a[i]).tolist(), fusion.right(b[i]).tolist()
        expected = fusion.out(torch.tensor([*chunk(p, q, 0), *chunk(p, q, 1)]))
        torch.testing.assert_close(fusion(a, b)[i], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("name", ["mlb", "mfb", "mutan", "block:width=8"])
def test_sharing_survives_an_update_and_decides_the_symmetry(small: Any, name: str) -> None:
    shared, free = small.build(name), small.build(f"{name}:shared=false")
    a, b = small.embeddings()
    optimiser = torch.optim.SGD(shared.parameters(), 0.01)
    shared(a, b).square().sum().backward()
    optimiser.step()
    torch.testing.assert_close(shared(a, b), shared(b, a), rtol=1e-4, atol=1e-5)
    assert (free(a, b) - free(b, a)).abs().max() > 1e-3
    assert (shared.symmetric, free.symmetric) == (True, False)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("block:width=10:chunks=4", "cannot be cut into 4 equal"),
        ("block:chunks=0", "0 equal"),
        ("mfb:order=0", "least 1"),
    ],
)
def test_sizes_that_make_no_sense_are_usage_errors(small: Any, spec: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        small.build(spec)


@pytest.mark.parametrize("name", ["mfb", "block:width=8"])
def test_products_near_zero_have_a_bounded_slope(small: Any, name: str) -> None:
    """The slope of a plain signed root is 50,000 at 1e-10."""
    fusion = small.build(name)
    with torch.no_grad():
        for layer in fusion.modules():
            if isinstance(layer, nn.Linear) and layer is not getattr(fusion, "out", None):
                layer.bias.zero_()
    slopes: list[Tensor] = []
    for scale in (0.0, 1e-5):
        a, b = ((scale * side).requires_grad_() for side in small.embeddings())
        fusion(a, b).sum().backward()
        slopes += [a.grad, b.grad]
    assert all(torch.isfinite(slope).all() and slope.abs().max() < 10 for slope in slopes)
