"""Multiply-accumulates, against formulas worked out by hand."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench import zoo
from bench.backbones import BACKBONES, create_backbone
from bench.cost.macs import FORMULAS, Macs, count_macs
from bench.fusion import MapShape
from bench.model import IMAGE, PairModel, build_model, feature_spec
from bench.spec import parse_spec
from tests.combinations import one_of_each_way

zoo.load()
BACKBONE = "mobilenetv3_small_32"
D = 128
HIDDEN = 128


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


@pytest.mark.parametrize("fusion", one_of_each_way())
@pytest.mark.parametrize("backbone", list(BACKBONES))
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
