"""Operators that need no formula: they make, move, pool, normalise, sort or reduce values."""

from __future__ import annotations

from typing import Any

# By the usual convention only products of matrices and their like have multiply-accumulates.
TAGS = frozenset({"pointwise", "reduction", "view_copy"})
CHEAP = frozenset(
    """
    arange empty empty_like empty_permuted empty_strided eye full full_like linspace new_empty new_empty_strided
    new_full new_ones new_zeros ones ones_like rand rand_like randint randn randn_like randperm scalar_tensor zeros
    zeros_like bernoulli multinomial normal

    _to_copy _unsafe_view alias_copy as_strided cat clone constant_pad_nd copy detach embedding expand_copy flip gather
    im2col index index_put _index_put_impl _unsafe_index index_select lift_fresh lift_fresh_copy masked_scatter
    masked_select narrow_copy nonzero pixel_shuffle pixel_unshuffle channel_shuffle reflection_pad1d reflection_pad2d
    repeat repeat_interleave replication_pad2d resize roll scatter select_scatter slice_scatter split_with_sizes_copy
    stack take tril tril_indices triu triu_indices unfold_copy unsafe_chunk unsafe_split unsafe_split_with_sizes

    _adaptive_avg_pool2d adaptive_max_pool2d avg_pool2d max_pool2d_with_indices upsample_nearest2d
    _upsample_nearest_exact2d upsample_bilinear2d

    _batch_norm_no_update _batch_norm_with_update _fused_rms_norm _log_softmax _native_batch_norm_legit
    _native_batch_norm_legit_no_training _safe_softmax _softmax cudnn_batch_norm miopen_batch_norm
    native_batch_norm native_dropout native_group_norm native_layer_norm

    all amax amin aminmax any argmax argmin bincount count_nonzero cummax cummin cumprod cumsum equal histc is_nonzero
    kthvalue linalg_vector_norm logcumsumexp logsumexp max mean median min mode nansum norm prod scatter_add
    scatter_reduce index_add searchsorted sort std std_mean sum topk unique_consecutive unique_dim _unique2 var var_mean

    col2im hardswish hardsigmoid hardtanh leaky_relu prelu rrelu_with_noise silu mish _local_scalar_dense item
    """.split()
)


def is_cheap(operator: Any) -> bool:
    """Whether an overload of an operator, such as ``torch.ops.aten.cat.default``, has no multiply-accumulates."""
    if operator.is_view or TAGS & {tag.name for tag in operator.tags}:
        return True
    return operator.namespace in ("aten", "prims") and operator.overloadpacket.__name__.rstrip("_") in CHEAP
