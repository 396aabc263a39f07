"""Bilinear joins with a full core, against ``torch.nn.Bilinear`` and plain loops."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.fusion import Fusion

EXACT = {"rtol": 0.0, "atol": 1e-5}
SHARED = pytest.mark.parametrize("shared", ["true", "false"])


def torchs(core: Tensor) -> nn.Bilinear:
    """PyTorch's bilinear layer without bias on a core (K, I, J)."""
    layer = nn.Bilinear(core.shape[1], core.shape[2], core.shape[0], bias=False)
    layer.weight.copy_(core)
    return layer


def core_of(fusion: Fusion, shared: str) -> Tensor:
    weight = fusion.form.weight
    if shared == "false":
        return weight
    return torch.stack([(matrix + matrix.T) / 2 for matrix in weight])


@SHARED
@torch.no_grad()
def test_bilinear_is_torchs_on_the_projections(small: Any, shared: str) -> None:
    fusion = small.build(f"bilinear:rank=5:width=4:shared={shared}")
    fusion.bias.copy_(small.randn(4))
    a, b = small.embeddings()
    layer = torchs(core_of(fusion, shared))
    torch.testing.assert_close(fusion(a, b), layer(fusion.left(a), fusion.right(b)) + fusion.bias, **EXACT)


@torch.no_grad()
def test_bilinear_by_loops(small: Any) -> None:
    fusion = small.build("bilinear:rank=3:width=2:shared=false")
    (a, b), weight = small.embeddings(), fusion.form.weight.tolist()
    left, right = fusion.left(a).tolist(), fusion.right(b).tolist()
    expected = [
        [sum(p[i] * weight[k][i][j] * q[j] for i in range(3) for j in range(3)) for k in range(2)]
        for p, q in zip(left, right, strict=True)
    ]
    torch.testing.assert_close(fusion(a, b), torch.tensor(expected), **EXACT)


@SHARED
@torch.no_grad()
def test_multiplicative_interaction_is_bilinear_and_linear(small: Any, shared: str) -> None:
    fusion = small.build(f"multiplicative_interaction:rank=5:width=4:shared={shared}")
    fusion.bias.copy_(small.randn(4))
    a, b = small.embeddings()
    p, q = fusion.left(a), fusion.right(b)
    linear = p @ fusion.of_left.weight.T + q @ fusion.of_right.weight.T
    expected = torchs(core_of(fusion, shared))(p, q) + linear + fusion.bias
    torch.testing.assert_close(fusion(a, b), expected, **EXACT)


@SHARED
@torch.no_grad()
def test_ntn_sees_both_halves_through_one_matrix(small: Any, shared: str) -> None:
    """Socher's form: one matrix V over the concatenation [p; q]."""
    fusion = small.build(f"ntn:rank=5:width=4:shared={shared}")
    fusion.bias.copy_(small.randn(4))
    a, b = small.embeddings()
    p, q = fusion.left(a), fusion.right(b)
    joint = nn.Linear(10, 4)
    joint.weight.copy_(torch.cat([fusion.of_left.weight, fusion.of_right.weight], dim=1))
    joint.bias.copy_(fusion.bias)
    expected = torchs(core_of(fusion, shared))(p, q) + joint(torch.cat([p, q], dim=1))
    torch.testing.assert_close(fusion(a, b), expected.tanh(), **EXACT)


@SHARED
@torch.no_grad()
def test_tucker_has_a_full_core(small: Any, shared: str) -> None:
    fusion = small.build(f"tucker:rank=5:width=4:shared={shared}")
    a, b = small.embeddings()
    p, q = fusion.left(a).tanh(), fusion.right(b).tanh()
    assert fusion.form.weight.shape == (5, 5, 5)
    torch.testing.assert_close(fusion(a, b), fusion.out(torchs(core_of(fusion, shared))(p, q)), **EXACT)


@torch.no_grad()
def test_tensor_fusion_holds_all_products(small: Any) -> None:
    fusion = small.build("tensor_fusion:rank=3:shared=false")
    a, b = small.embeddings()
    for i in range(small.batch):
        left, right = [1.0, *fusion.left(a[i]).tolist()], [1.0, *fusion.right(b[i]).tolist()]
        expected = [x * y for x in left for y in right]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@torch.no_grad()
def test_tensor_fusion_holds_each_symmetric_product_once(small: Any) -> None:
    fusion = small.build("tensor_fusion:rank=3")
    a, b = small.embeddings()
    for i in range(small.batch):
        left, right = [1.0, *fusion.left(a[i]).tolist()], [1.0, *fusion.left(b[i]).tolist()]
        expected = [(left[r] * right[c] + left[c] * right[r]) / 2 for r in range(4) for c in range(r, 4)]
        torch.testing.assert_close(fusion(a, b)[i], torch.tensor(expected), **EXACT)


@pytest.mark.parametrize("name", ["bilinear", "multiplicative_interaction", "ntn", "tucker", "tensor_fusion"])
def test_sharing_is_of_one_layer_and_decides_the_symmetry(small: Any, name: str) -> None:
    """Sharing must not be lost after the constructor: one update moves both sides."""
    shared, free = small.build(f"{name}:rank=4"), small.build(f"{name}:rank=4:shared=false")
    assert shared.left is shared.right
    assert free.left is not free.right
    assert (shared.symmetric, free.symmetric) == (True, False)
    a, b = small.embeddings()
    optimiser = torch.optim.SGD(shared.parameters(), 0.01)
    shared(a, b).square().sum().backward()
    optimiser.step()
    torch.testing.assert_close(shared(a, b), shared(b, a), rtol=1e-4, atol=1e-5)
    assert (free(a, b) - free(b, a)).abs().max() > 1e-3
