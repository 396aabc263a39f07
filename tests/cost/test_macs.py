"""Multiply-accumulates, against formulas worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import log2
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench import zoo
from bench.backbones import BACKBONES, create_backbone
from bench.cost.macs import FORMULAS, Macs, count_macs
from bench.fusion import FUSIONS, MapShape
from bench.model import IMAGE, PairModel, build_model, feature_spec
from bench.spec import parse_spec

zoo.load()
BACKBONE = "mobilenetv3_small_32"
D = 128
HIDDEN = 128
Plugin = Callable[..., Path]


def build(fusion: str, backbone: str = BACKBONE) -> PairModel:
    return build_model(parse_spec(fusion), backbone)


def macs(fusion: str, backbone: str = BACKBONE) -> Macs:
    return count_macs(build(fusion, backbone))


def head(width: int) -> int:
    return width * HIDDEN + HIDDEN


def test_embedding_fusions() -> None:
    rank, width = 4, 64
    expected = {
        "concat": head(2 * D),
        "abs_diff": head(D),
        "hadamard": head(D),
        "heuristic": head(3 * D),
        "concat_linear": 2 * D,
        "decision_average": 2 * head(D),
        "low_rank_bilinear": 2 * rank * width * (D + 1) + rank * width + head(width),
    }
    assert {name: macs(name).fusion for name in expected} == expected


@pytest.mark.parametrize("backbone", list(BACKBONES))
def test_attention(backbone: str) -> None:
    spec = feature_spec(backbone, IMAGE)
    length, width, depth = spec.tokens, 64, 2
    project = length * spec.token_dim * width

    def attention(queries: int, keys: int) -> int:
        return 2 * queries * width**2 + 2 * keys * width**2 + 2 * queries * keys * width

    joint = 2 * length + 1
    block = attention(joint, joint) + 2 * joint * width * 2 * width
    assert macs("joint_transformer", backbone).fusion == 2 * project + depth * block + head(width)
    cross = attention(length, length) + 2 * length * width * 2 * width
    assert macs("cross_attention", backbone).fusion == 2 * project + 2 * cross + head(2 * width)


def test_map_and_relation_fusions() -> None:
    spec = feature_spec(BACKBONE, IMAGE)
    length, channels = spec.tokens, spec.map.channels
    assert macs("fmap_diff").fusion == length * channels * 128 * 9 + head(128)
    assert macs("correlation").fusion == 2 * length * channels * 64 + length**2 * 64 + head(2 * length)
    assert macs("corelnet").fusion == 2 * length * channels * 64 + (2 * length) ** 2 * 64 + head(4 * length)


def test_a_convolution_by_hand() -> None:
    """The stem: 3x3, stride 2, from 3 to 16 channels on 32x32 pixels, for two images."""
    model = build("concat")
    model.backbone.stages = nn.ModuleList()
    model.backbone.embedding = nn.Linear(16, D)
    model.backbone.upper = lambda features, first: model.backbone.embedding(features.mean((2, 3)))  # type: ignore[method-assign]
    counted = count_macs(model)
    assert counted.total - counted.fusion == 2 * (16 * 16 * 16 * 3 * 9 + 16 * D)


def test_the_published_count_of_resnet18() -> None:
    """1.82 GMACs at 224 pixels (He et al., 2016, count 1.8 billion)."""
    assert tower_macs("resnet18", MapShape(3, 224, 224)) / 2 == pytest.approx(1.82e9, rel=0.01)


@pytest.mark.parametrize("backbone", ["resnet18", "mobilenetv3_small_32"])
def test_convolutions_layer_by_layer(backbone: str) -> None:
    """Depthwise ones among them: each output channel of a group sees the inputs of its group only."""
    model = build("concat", backbone)
    counts: list[int] = []

    def convolution(layer: nn.Conv2d, args: tuple[Tensor], out: Tensor) -> None:
        counts.append(out.numel() * layer.in_channels // layer.groups * layer.kernel_size[0] * layer.kernel_size[1])

    def linear(layer: nn.Linear, args: tuple[Tensor], out: Tensor) -> None:
        counts.append(out.numel() * layer.in_features)

    for layer in model.backbone.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(convolution)
        elif isinstance(layer, nn.Linear):
            layer.register_forward_hook(linear)
    with torch.no_grad():
        model.backbone.eval().read(torch.zeros(2, 3, 32, 32), "embedding")
    assert tower_macs(backbone, IMAGE) == sum(counts)


def tower_macs(backbone: str, image: MapShape) -> int:
    model = build_model(parse_spec("concat"), backbone, image)
    counted = count_macs(model, image)
    return counted.total - counted.fusion


@pytest.mark.parametrize("backbone", list(BACKBONES))
@pytest.mark.parametrize("fusion", list(FUSIONS))
def test_fusion_and_backbone_make_the_total(fusion: str, backbone: str) -> None:
    """Counted module by module, in two ways, nothing is lost and nothing is counted twice."""
    model = build(fusion, backbone)
    counted = count_macs(model)
    assert counted.uncounted == ()
    assert 0 <= counted.fusion <= counted.total
    if not model.towers:
        assert counted.total == counted.fusion
        return
    pixels = model.fusion.needs == "pixels"
    given = model.fusion.joined(IMAGE) if pixels else IMAGE
    reads = "embedding" if model.reads is None else model.reads
    assert counted.total - counted.fusion == (1 if pixels else 2) * encoder_macs(backbone, given, reads) > 0


@cache
def encoder_macs(backbone: str, image: MapShape, reads: str) -> int:
    encoder = create_backbone(backbone, image).eval()
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        encoder.read(torch.zeros(1, image.channels, image.height, image.width), reads)
    return counter.get_total_flops() // 2


def test_a_map_is_cheaper_than_an_embedding() -> None:
    """Stages behind the map are dropped, and cost nothing."""
    one, other = macs("fmap_diff", "resnet18"), macs("concat", "resnet18")
    assert one.total - one.fusion < other.total - other.fusion


def test_joint_pixels_take_one_pass() -> None:
    one, two = macs("two_channel"), macs("concat")
    assert 0.5 < (one.total - one.fusion) / (two.total - two.fusion) < 0.6


def test_symmetrize_costs_the_join_twice() -> None:
    plain, both = macs("concat"), macs("concat:symmetrize=true")
    assert both.fusion == 2 * plain.fusion
    assert both.total - both.fusion == plain.total - plain.fusion
    plain, both = macs("two_channel"), macs("two_channel:symmetrize=true")
    assert both.total == 2 * plain.total


def test_counting_changes_nothing() -> None:
    model = build("concat").train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = count_macs(model), count_macs(model)
    assert first == second
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_counting_works_where_gradients_are_off() -> None:
    """A caller's no_grad must not lead attention into a fused path that the counter does not see."""
    expected = macs("joint_transformer", "tiny_vit")
    with torch.no_grad():
        assert macs("joint_transformer", "tiny_vit") == expected
    with torch.inference_mode():
        assert macs("joint_transformer", "tiny_vit") == expected


# Operators: counted, or named; never silently zero

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
    "cdist": ("", "return torch.cdist(a.view(-1, 16, 8), b.view(-1, 16, 8)).sum((1, 2))", 16 * 16 * 8),
    "grid_sample": (
        "",
        "return F.grid_sample(a.view(-1, 2, 8, 8), b.view(-1, 8, 8, 2), align_corners=False).sum((1, 2, 3))",
        4 * 2 * 8 * 8,
    ),
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
    counted = macs("operator")
    assert counted.fusion == expected
    assert counted.uncounted == ()


@pytest.mark.parametrize("operator", NAMED)
def test_an_operator_that_is_named(operator: str, plugin: Plugin) -> None:
    init, forward, name = NAMED[operator]
    plugin(WITH_OPERATOR.format(init=init or "pass", forward=forward))
    uncounted = macs("operator").uncounted
    assert any(name in entry for entry in uncounted), uncounted


@pytest.mark.parametrize("layer", ["LSTM", "GRU"])
def test_a_recurrent_layer_is_counted_or_named(layer: str, plugin: Plugin) -> None:
    init = f"self.layer = nn.{layer}(spec.dim, 8, batch_first=True)"
    plugin(WITH_OPERATOR.format(init=init, forward="return self.layer(torch.stack([a, b], 1))[0].sum((1, 2))"))
    counted, gates = macs("operator"), {"LSTM": 4, "GRU": 3}[layer]
    assert counted.fusion == 2 * gates * 8 * (D + 8) or any(layer.lower() in n or "rnn" in n for n in counted.uncounted)


@pytest.mark.parametrize("length", [1, 64])
def test_attention_is_never_zero(length: int, plugin: Plugin) -> None:
    """The kernels that a CPU takes are not those that PyTorch's own counter knows."""
    init, dim = "pass", D // 4
    forward = f"""x = torch.stack([a, b], 1).unflatten(2, (4, -1)).transpose(1, 2).repeat(1, 1, {length}, 1)
        return F.scaled_dot_product_attention(x, x, x).sum((1, 2, 3))"""
    plugin(WITH_OPERATOR.format(init=init, forward=forward))
    assert macs("operator").fusion == 2 * 4 * (2 * length) ** 2 * dim
