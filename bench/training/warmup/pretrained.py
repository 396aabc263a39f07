"""Warm-ups that start from weights which others trained."""

from __future__ import annotations

from typing import get_args

from bench.backbones.weights import LARGEST_SIZE, SIZE, Normalise, Weights, from_file, published
from bench.errors import UsageError
from bench.training.warmup.contract import Pretrained, register_warmup


@register_warmup
class ImageNet(Pretrained):
    """ImageNet weights, of an installed package (the extra ``pretrained``) or from the local cache of timm's hub.

    Args:
        size: pixels up to which the shorter side of smaller images is enlarged, 0 for none: at 64 training is four
            times as fast, and the filters see less.
    """

    name = "imagenet"

    def __init__(self, size: int = SIZE) -> None:
        self._size = _checked("imagenet", size)

    def of(self, backbone: str) -> Weights:
        return published(backbone, self._size)


@register_warmup
class File(Pretrained):
    """Weights of the backbone in a file of yours, ``file:PATH``, written by torch or as safetensors.

    Names of tensors are those of the backbone, or of the timm model; a head is left out, and of a stored model all but
    its backbone. A record is found again by the content of the file, wherever it lies.

    Args:
        path: the file.
        normalise: how pixels are scaled: ``published``, as a stored model says it, or else as the published weights of
            this backbone expect it (a backbone without such: ``standardise``), by the mean and deviation of
            ``imagenet``, or ``standardise``: each image by its own.
        size: pixels up to which the shorter side of smaller images is enlarged; 0 is 128 for scaled pixels, and the
            size of the images for ``standardise``.
    """

    name = "file"
    needs_files = True

    def __init__(self, path: str = "", normalise: str = "published", size: int = 0) -> None:
        if not path:
            raise UsageError("warm-up file: no path given; expected file:PATH, where PATH is a file of weights")
        allowed = get_args(Normalise)
        if normalise not in allowed:
            raise UsageError(f"warm-up file: normalise={normalise}; expected {', '.join(allowed)}")
        self._path, self._normalise, self._size = path, normalise, _checked("file", size)

    def of(self, backbone: str) -> Weights:
        return from_file(self._path, backbone, self._normalise, self._size)


def _checked(warmup: str, size: int) -> int:
    if not 0 <= size <= LARGEST_SIZE:
        raise UsageError(f"warm-up {warmup}: size={size}; expected 0 to {LARGEST_SIZE} pixels")
    return size
