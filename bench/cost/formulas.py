"""Operations of the operators that PyTorch's own counter does not know, from the shapes of their arguments."""

from __future__ import annotations

from math import log2, prod
from typing import Any

import torch

aten = torch.ops.aten


def _attention_flops(query: Any, key: Any, value: Any, *args: Any, **kwargs: Any) -> int:
    batch, heads, length, dim = query
    context, value_dim = key[2], value[3]
    return 2 * batch * heads * length * context * (dim + value_dim)


def _trilinear_flops(i1: Any, i2: Any, i3: Any, *args: Any, **kwargs: Any) -> int:
    """``torch.nn.Bilinear``: u W v for every output, counted as (u W) and the product with v."""
    rows, (outputs, left, right) = i1[0], i2[-3:]
    return 2 * rows * outputs * (left * right + right)


def _matrix_vector_flops(matrix: Any, vector: Any, *args: Any, **kwargs: Any) -> int:
    return 2 * matrix[0] * vector[0]


def _added_matrix_vector_flops(added: Any, matrix: Any, vector: Any, *args: Any, **kwargs: Any) -> int:
    return _matrix_vector_flops(matrix, vector)


def _added_batches_flops(added: Any, left: Any, right: Any, *args: Any, **kwargs: Any) -> int:
    """``torch.addbmm``: a sum of matrix products."""
    return 2 * prod(left) * right[2]


def _dot_flops(left: Any, right: Any, *args: Any, **kwargs: Any) -> int:
    return 2 * left[0]


def _distance_flops(left: Any, right: Any, *args: Any, out_shape: Any = None, **kwargs: Any) -> int:
    """``torch.cdist``: a difference and its square for every dimension of every pair of points."""
    return 2 * prod(out_shape) * left[-1]


def _real_fft_flops(signal: Any, dims: Any, *args: Any, **kwargs: Any) -> int:
    """Real transforms of n = the sizes of ``dims`` multiplied: 2.5 n log2 n operations each, half of a complex one."""
    return round(2.5 * prod(signal) * log2(prod(signal[dim] for dim in dims)))


def _inverse_real_fft_flops(
    spectrum: Any, dims: Any, normalization: Any, length: int, *args: Any, **kwargs: Any
) -> int:
    signal = list(spectrum)
    signal[dims[-1]] = length
    return _real_fft_flops(signal, dims)


def _grid_sample_flops(image: Any, grid: Any, mode: int, *args: Any, **kwargs: Any) -> int:
    """Products for every value of the result, by mode: bilinear 4, nearest none, bicubic 4 rows of 4 and a column."""
    return 2 * (4, 0, 20)[mode] * prod(grid[:-1]) * image[1]


FORMULAS: dict[Any, Any] = {
    aten.mv: _matrix_vector_flops,
    aten.addmv: _added_matrix_vector_flops,
    aten.addbmm: _added_batches_flops,
    aten.dot: _dot_flops,
    aten.vdot: _dot_flops,
    aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops,
    aten._scaled_dot_product_attention_math: _attention_flops,
    aten._trilinear: _trilinear_flops,
    aten._cdist_forward: _distance_flops,
    aten._euclidean_dist: _distance_flops,
    aten._fft_r2c: _real_fft_flops,
    aten._fft_c2r: _inverse_real_fft_flops,
    aten.grid_sampler_2d: _grid_sample_flops,
}
