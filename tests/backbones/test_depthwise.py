"""Depthwise convolutions against PyTorch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bench.backbones import create_backbone
from bench.backbones.depthwise import DepthwiseConv2d, use_fast_depthwise
from bench.model import IMAGE


def gradients(layer: nn.Module, images: Tensor, autocast: bool = False) -> list[Tensor]:
    """Output, and the gradients of images and parameters under a loss that weighs every output differently."""
    images = images.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        output = layer(images)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(1), dtype=output.dtype)
    found = torch.autograd.grad((output * weights).sum(), [images, *layer.parameters()])
    return [output.detach(), *found]


def convolution(channels: int, size: int = 5, stride: int = 1, padding: int = 2, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, size, stride, padding, groups=channels, bias=bias)


@settings(max_examples=40, deadline=None)
@given(
    batch=st.integers(1, 3),
    channels=st.integers(2, 5),
    height=st.integers(2, 8),
    width=st.integers(2, 8),
    size=st.sampled_from([5, 7]),
    stride=st.integers(1, 3),
    short_of_same=st.integers(0, 1),
    bias=st.booleans(),
    channels_last=st.booleans(),
)
def test_values_and_gradients_are_those_of_the_plain_convolution(
    batch: int,
    channels: int,
    height: int,
    width: int,
    size: int,
    stride: int,
    short_of_same: int,
    bias: bool,
    channels_last: bool,
) -> None:
    padding = size // 2 - short_of_same
    if min(height, width) + 2 * padding < size:
        return
    plain = convolution(channels, size, stride, padding, bias).double()
    images = torch.randn(batch, channels, height, width, dtype=torch.float64)
    if channels_last:
        images = images.to(memory_format=torch.channels_last)
    fast = DepthwiseConv2d(plain)
    for one, other in zip(gradients(plain, images), gradients(fast, images), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_maps_that_are_too_large_take_the_plain_way() -> None:
    plain, images = convolution(2), torch.randn(1, 2, 16, 16)
    for one, other in zip(gradients(plain, images), gradients(DepthwiseConv2d(plain), images), strict=True):
        assert torch.equal(one, other)


def test_autocast_leaves_gradients_in_the_type_of_the_weights() -> None:
    plain, images = convolution(4), torch.randn(2, 4, 4, 4)
    expected, found = (gradients(layer, images, autocast=True) for layer in (plain, DepthwiseConv2d(plain)))
    for one, other in zip(expected, found, strict=True):
        assert one.dtype == other.dtype
        torch.testing.assert_close(one, other, rtol=0.02, atol=0.1)


@pytest.mark.parametrize(
    "other",
    [
        nn.Conv2d(4, 8, 5, groups=4),
        nn.Conv2d(4, 4, 5, groups=2),
        nn.Conv2d(4, 4, 5, groups=4, dilation=2),
        nn.Conv2d(4, 4, 5, groups=4, padding="same"),
        nn.Conv2d(4, 4, 5, groups=4, padding=2, padding_mode="reflect"),
        nn.Conv2d(4, 4, (5, 7), groups=4),
        nn.Conv2d(4, 4, 3, groups=4),
    ],
    ids=["more channels", "two groups", "dilated", "same", "reflect", "oblong", "small"],
)
def test_other_convolutions_are_left_alone(other: nn.Conv2d) -> None:
    parent = nn.Sequential(other)
    use_fast_depthwise(parent)
    assert parent[0] is other


def test_parameters_keep_their_names_and_stay_shared() -> None:
    parent = nn.Sequential(convolution(4, bias=True))
    before, names = list(parent.parameters()), list(parent.state_dict())
    use_fast_depthwise(parent)
    assert isinstance(parent[0], DepthwiseConv2d)
    assert list(parent.state_dict()) == names
    assert all(one is other for one, other in zip(before, parent.parameters(), strict=True))


def test_a_copy_trains_by_itself() -> None:
    fast = DepthwiseConv2d(convolution(2))
    twin = copy.deepcopy(fast)
    before = twin.weight.detach().clone()
    with torch.no_grad():
        fast.weight.add_(1)
    assert torch.equal(twin.weight, before)


@pytest.mark.parametrize("name", ["mobilenetv3_small_32", "timm:mobilenetv3_small_050"])
def test_backbones_use_it_for_large_filters(name: str) -> None:
    layers = [layer for layer in create_backbone(name, IMAGE).modules() if isinstance(layer, nn.Conv2d)]
    depthwise = [layer for layer in layers if layer.groups > 1 and layer.kernel_size == (5, 5)]
    assert len(depthwise) >= 4
    assert all(isinstance(layer, DepthwiseConv2d) for layer in depthwise)
