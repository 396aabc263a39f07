"""Operators are counted, by formulas worked out by hand, or named; never silently zero."""

from __future__ import annotations

from collections.abc import Callable
from math import log2
from pathlib import Path

import pytest

from bench.cost.macs import Macs, count_macs
from bench.model import build_model
from bench.spec import parse_spec

D = 128
Plugin = Callable[..., Path]


def macs_of_operator() -> Macs:
    return count_macs(build_model(parse_spec("operator"), "mobilenetv3_small_32"))


WITH_OPERATOR = """
@register
class Operator(Fusion):
    '''One operator.'''

    name, family, needs, symmetric, paper = "operator", "embedding", "embedding", False, "none"
    head = "score"

    def __init__(self, spec: FeatureSpec) -> None:
        super().__init__(out_dim=1)
        {init}

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        {forward}
"""

COUNTED = {
    "Bilinear": (
        "self.layer = nn.Bilinear(spec.dim, spec.dim, 3)",
        "return self.layer(a, b).sum(1)",
        3 * (D * D + D),
    ),
    "matrix and vector": ("self.w = nn.Parameter(torch.zeros(spec.dim))", "return (a * b) @ self.w", D),
    "matrix and vector, added": (
        "self.w = nn.Parameter(torch.zeros(spec.dim))",
        "return torch.addmv(a[:, 0], a * b, self.w)",
        D,
    ),
    "einsum": (
        "self.w = nn.Parameter(torch.zeros(5, spec.dim))",
        "return torch.einsum('bd,kd->bk', a * b, self.w).sum(1)",
        5 * D,
    ),
    "batched": ("", "return (a.unsqueeze(1) @ b.unsqueeze(2)).flatten()", D),
    "MultiheadAttention": (
        "self.layer = nn.MultiheadAttention(spec.dim, 4, batch_first=True)",
        "x = torch.stack([a, b], 1); return self.layer(x, x, x)[0].sum((1, 2))",
        4 * 2 * D * D + 2 * 2 * 2 * D,
    ),
    "attention without weights": (
        "self.layer = nn.MultiheadAttention(spec.dim, 4, batch_first=True)",
        "x = torch.stack([a, b], 1); return self.layer(x, x, x, need_weights=False)[0].sum((1, 2))",
        4 * 2 * D * D + 2 * 2 * 2 * D,
    ),
    "TransformerEncoderLayer": (
        "self.layer = nn.TransformerEncoderLayer(spec.dim, 4, 256, batch_first=True)",
        "return self.layer(torch.stack([a, b], 1)).sum((1, 2))",
        4 * 2 * D * D + 2 * 2 * 2 * D + 2 * 2 * D * 256,
    ),
    "Conv1d": (
        "self.layer = nn.Conv1d(2, 3, 5, padding=2)",
        "return self.layer(torch.stack([a, b], 1)).sum((1, 2))",
        2 * 3 * 5 * D,
    ),
    "FFT": ("", "return (torch.fft.rfft(a) * torch.fft.rfft(b)).real.sum(1)", round(2 * 1.25 * D * log2(D))),
    "inverse FFT": ("", "return torch.fft.irfft(torch.fft.rfft(a)).sum(1) + b.sum(1)", round(2 * 1.25 * D * log2(D))),
    "FFT over rows and columns": (
        "",
        "return torch.fft.rfft2(a.view(-1, 8, 16)).real.sum((1, 2)) + b.sum(1)",
        round(1.25 * D * log2(D)),
    ),
    "FFT over columns": (
        "",
        "return torch.fft.rfft(a.view(-1, 8, 16), dim=1).real.sum((1, 2)) + b.sum(1)",
        round(1.25 * D * log2(8)),
    ),
    "inverse FFT over columns": (
        "",
        "return torch.fft.irfft(torch.fft.rfft(a.view(-1, 8, 16), dim=1), n=14, dim=1).sum((1, 2)) + b.sum(1)",
        round(1.25 * D * log2(8)) + round(1.25 * 14 * 16 * log2(14)),
    ),
    "cdist": ("", "return torch.cdist(a.view(-1, 16, 8), b.view(-1, 16, 8)).sum((1, 2))", 16 * 16 * 8),
    "cdist from fixed points": (
        "self.points = nn.Parameter(torch.zeros(5, 8))",
        "return torch.cdist(self.points, (a * b).view(-1, 16, 8)).sum((1, 2))",
        5 * 16 * 8,
    ),
    "cdist from many fixed points": (
        "self.points = nn.Parameter(torch.zeros(32, 8))",
        "return torch.cdist(self.points, (a * b).view(-1, 16, 8)).sum((1, 2))",
        32 * 16 * 8,
    ),
    "cdist, two batches on the right": (
        "",
        "return torch.cdist(a.view(-1, 16, 8), torch.stack([a, b]).view(2, -1, 16, 8)).sum((0, 2, 3))",
        2 * 16 * 16 * 8,
    ),
    **{
        f"grid_sample, {mode}": (
            "",
            "images, grid = a.view(-1, 2, 8, 8), b.view(-1, 8, 8, 2); "
            f"return F.grid_sample(images, grid, '{mode}', align_corners=False).sum((1, 2, 3))",
            products * 2 * 8 * 8,
        )
        for mode, products in (("bilinear", 4), ("nearest", 0), ("bicubic", 4 * 4 + 4))
    },
}

NAMED = {
    "complex FFT": ("", "return torch.fft.fft(torch.complex(a, b)).real.sum(1)", "fft"),
    "another library's": (
        "import torchvision; self.layer = torchvision.ops.DeformConv2d(2, 2, 3, padding=1)",
        "return self.layer(a.view(-1, 2, 8, 8), b.new_zeros(len(b), 18, 8, 8)).sum((1, 2, 3))",
        "deform_conv2d",
    ),
    "SVD": ("", "return torch.linalg.svdvals(torch.stack([a, b], 1)).sum(1)", "svd"),
}


@pytest.mark.parametrize("operator", COUNTED)
def test_an_operator_that_is_counted(operator: str, plugin: Plugin) -> None:
    init, forward, expected = COUNTED[operator]
    plugin(WITH_OPERATOR.format(init=init or "pass", forward=forward))
    counted = macs_of_operator()
    assert counted.fusion == expected
    assert counted.uncounted == ()


@pytest.mark.parametrize("operator", NAMED)
def test_an_operator_that_is_named(operator: str, plugin: Plugin) -> None:
    init, forward, name = NAMED[operator]
    plugin(WITH_OPERATOR.format(init=init or "pass", forward=forward))
    uncounted = macs_of_operator().uncounted
    assert any(name in entry for entry in uncounted), uncounted


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_a_recurrent_layer_is_counted_or_named(layer: str, plugin: Plugin) -> None:
    init = f"self.layer = nn.{layer}(spec.dim, 8, batch_first=True)"
    plugin(WITH_OPERATOR.format(init=init, forward="return self.layer(torch.stack([a, b], 1))[0].sum((1, 2))"))
    counted, gates = macs_of_operator(), {"LSTM": 4, "GRU": 3}[layer]
    assert counted.fusion == 2 * gates * 8 * (D + 8) or any(layer.lower() in n or "rnn" in n for n in counted.uncounted)


@pytest.mark.parametrize("length", [1, 64])
def test_attention_is_never_zero(length: int, plugin: Plugin) -> None:
    """The kernels that a CPU takes are not those that PyTorch's own counter knows."""
    init, dim = "pass", D // 4
    forward = f"""x = torch.stack([a, b], 1).unflatten(2, (4, -1)).transpose(1, 2).repeat(1, 1, {length}, 1)
        return F.scaled_dot_product_attention(x, x, x).sum((1, 2, 3))"""
    plugin(WITH_OPERATOR.format(init=init, forward=forward))
    assert macs_of_operator().fusion == 2 * 4 * (2 * length) ** 2 * dim
