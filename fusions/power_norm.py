"""Normalisation of products of features, shared by the bilinear fusions whose papers prescribe it."""

from torch import Tensor
from torch.nn import functional as F


def signed_sqrt(x: Tensor, eps: float = 1e-3) -> Tensor:
    """``sign(x) (sqrt(|x| + eps) - sqrt(eps))``: 0 at 0 and, unlike the plain signed root, of finite slope there."""
    return x.sign() * ((x.abs() + eps).sqrt() - eps**0.5)


def power_norm(x: Tensor, eps: float = 1e-3) -> Tensor:
    """Signed square root, then the last dimension (..., K) scaled to a length of about sqrt(K): entries of about 1."""
    return F.rms_norm(signed_sqrt(x, eps), x.shape[-1:], eps=eps)
