"""Depthwise convolutions whose gradient is fast on a CPU.

For 5x5 filters oneDNN takes some 20 times as long over the gradient of the weights as over the forward pass. On small
maps it is cheaper to multiply, channel by channel, every input position by every output position, summed over the
batch, and to add up the products that belong to one weight. Filters of 3x3 are fast as they are.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST_FILTER = 5
# Input times output positions up to which the products are cheaper: 8x8 maps at stride 1.
MOST_PRODUCTS = 64 * 64


class DepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution (one filter per channel) that shares the parameters of ``convolution``.

    Same values and gradients up to rounding; maps that are large or on a GPU go the usual way.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        nn.Module.__init__(self)
        self.__dict__.update(convolution.__dict__)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if input.device.type != "cpu" or not weight.requires_grad or self._products(input) > MOST_PRODUCTS:
            return super()._conv_forward(input, weight, bias)
        output: Tensor = _Depthwise.apply(input, weight, self.stride[0], int(self.padding[0]))
        return output if bias is None else output + bias[:, None, None]

    def _products(self, input: Tensor) -> int:
        height, width = input.shape[2:]
        out = _positions(height, width, self.kernel_size[0], self.stride[0], int(self.padding[0]))
        return height * width * out[0] * out[1]


def use_fast_depthwise(module: nn.Module) -> None:
    """Replace every depthwise convolution within ``module`` that :class:`DepthwiseConv2d` can stand for."""
    for parent in list(module.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Conv2d and _is_plain_depthwise(child):
                setattr(parent, name, DepthwiseConv2d(child))


def _is_plain_depthwise(convolution: nn.Conv2d) -> bool:
    square = all(len(set(size)) == 1 for size in (convolution.kernel_size, convolution.stride, convolution.padding))
    return (
        1 < convolution.groups == convolution.in_channels == convolution.out_channels
        and square
        and convolution.kernel_size[0] >= SMALLEST_FILTER
        and not isinstance(convolution.padding, str)
        and set(convolution.dilation) == {1}
        and convolution.padding_mode == "zeros"
    )


class _Depthwise(torch.autograd.Function):
    """(B, C, H, W) and weights (C, 1, K, K) -> (B, C, H', W')."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(images, weight, None, stride, padding, groups=len(weight))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        (gradient,) = gradients
        # Under autocast the output has another type than what is saved.
        images, weight = (saved.to(gradient.dtype) for saved in ctx.saved_tensors)
        of_images, of_weight, *_ = ctx.needs_input_grad
        return (
            _images_gradient(gradient, images, weight, ctx.stride, ctx.padding) if of_images else None,
            _weight_gradient(gradient, images, weight, ctx.stride, ctx.padding) if of_weight else None,
            None,
            None,
        )


def _images_gradient(gradient: Tensor, images: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """(B, C, H, W), by oneDNN."""
    settings = [stride] * 2, [padding] * 2, [1, 1], False, [0, 0], len(weight)
    wanted = [True, False, False]
    found: Tensor = torch.ops.aten.convolution_backward(gradient, images, weight, None, *settings, wanted)[0]
    return found


def _weight_gradient(gradient: Tensor, images: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """(C, 1, K, K): for every channel, the products (H W, H' W') of inputs with gradients, each added to its weight."""
    pick = _weight_of_product(*images.shape[2:], weight.shape[2], stride, padding).to(gradient.dtype)
    products = torch.bmm(_by_channel(images), _by_channel(gradient).transpose(1, 2))
    return (products.flatten(1) @ pick).view_as(weight)


def _by_channel(maps: Tensor) -> Tensor:
    """(B, C, H, W) as (C, H W, B), with the batch contiguous. One transposed matrix is far cheaper to copy than four
    permuted dimensions."""
    batch, channels = maps.shape[:2]
    rows = maps.permute(0, 2, 3, 1).reshape(batch, -1)
    return rows.t().contiguous().view(-1, channels, batch).transpose(0, 1)


@cache
def _weight_of_product(height: int, width: int, size: int, stride: int, padding: int) -> Tensor:
    """(H W H' W', K K) of 0 and 1: which weight joins an input to an output position; a row of 0 is none."""
    rows, columns = (
        torch.arange(inputs)[:, None] - torch.arange(outputs) * stride + padding
        for inputs, outputs in zip((height, width), _positions(height, width, size, stride, padding), strict=True)
    )
    row, column = rows[:, None, :, None], columns[None, :, None, :]
    inside = (row >= 0) & (row < size) & (column >= 0) & (column < size)
    weight = torch.where(inside, row * size + column, size**2)
    return F.one_hot(weight.flatten(), size**2 + 1)[:, :-1].float()


def _positions(height: int, width: int, size: int, stride: int, padding: int) -> tuple[int, int]:
    """Height and width of the output."""
    return (height + 2 * padding - size) // stride + 1, (width + 2 * padding - size) // stride + 1
