"""Where encodings come from: the encoder of a stored model, or a backbone as a warm-up leaves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.backbones import Backbone, create_backbone
from bench.domain import Domain, build_domain
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.model.encodings import pooled
from bench.models.restore import StoredModel, restore
from bench.training.warmup import Trained, WarmupSpec, answers, load_into
from bench.training.warmup.classification import Classification

BATCH = 256
Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """What a network itself was taught to name.

    Attributes:
        classes: their names. logits: (N, classes) of uint8 images (N, C, H, W).
    """

    classes: tuple[str, ...]
    logits: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Encoder:
    """A frozen encoder of single images.

    Attributes:
        name: as tables tell it. backbone: its name.
        domain: whose images it is probed with unless told otherwise; empty where it has none of its own.
        reads: what the encodings are, in words.
        image: shape of the images that it takes.
        encode: B uint8 images (B, C, H, W) to vectors (B, D).
        identity: what it is, whatever it is called.
        head: of the network, where it has one that names images.
    """

    name: str
    backbone: str
    domain: str
    reads: str
    image: MapShape
    encode: Callable[[Tensor], Tensor]
    identity: Mapping[str, Any]
    head: Head | None = None

    def vectors(self, images: Tensor) -> Vectors:
        """Encodings (N, D) of uint8 images (N, C, H, W).

        Raises:
            UsageError: the images have another shape, or an encoding is not finite.
        """
        if tuple(images.shape[1:]) != (self.image.channels, self.image.height, self.image.width):
            taken = f"{self.image.channels}x{self.image.height}x{self.image.width}"
            raise UsageError(f"{self.name}: images are {'x'.join(map(str, images.shape[1:]))}; it takes {taken}")
        with torch.inference_mode():
            found = torch.cat([self.encode(part).float() for part in images.split(BATCH)])
        if not bool(found.isfinite().all()):
            raise UsageError(f"{self.name}: an encoding is not finite")
        return found.numpy()


def of_model(path: Path, say: Callable[[str], None]) -> Encoder:
    """The encoder of a stored model: what its fusion joins, as the mean over positions where that is a map.

    Args:
        say: told where its code or images are not those that it was trained with.

    Raises:
        UsageError: as :func:`bench.models.restore.restore`; its fusion joins images before they are encoded.
    """
    stored: StoredModel = restore(path)
    model, card = stored.model, stored.card
    if not model.encodes_separately:
        raise UsageError(f"{stored.path.name}: {card.cell.fusion} encodes no image without the other: nothing to probe")
    if stored.outdated:
        say(f"warning: {stored.outdated}: its training may have shown images that are tested here")

    def encode(images: Tensor) -> Tensor:
        with model.casting():
            return pooled(model.encode(images))

    return Encoder(
        name=f"{card.cell.fusion} ({stored.path.stem})",
        backbone=card.cell.backbone,
        domain=card.cell.domain,
        reads=f"what {card.cell.fusion} joins ({model.reads if isinstance(model.reads, str) else 'map'}, pooled)",
        image=MapShape(*card.image),
        encode=encode,
        identity={"model": card.key, "sha256": card.sha256},
    )


def of_warmup(spec: WarmupSpec, domain: str, reads: Trained | None, say: Callable[[str], None]) -> Encoder:
    """The backbone of a warm-up, computed first where it is not in the cache.

    Args:
        domain: whose images are probed. reads: None for what the warm-up trains.
        say: told what is computed.

    Raises:
        UsageError: there are no such weights, or the backbone cannot take such images.
    """
    shown, chosen = build_domain(domain), reads or spec.task.cls.trains
    elsewhere = str(spec.domain) != domain
    backbone, head = _warmed_up(spec, shown, say)
    backbone.eval().to(memory_format=torch.channels_last)
    return Encoder(
        name=f"{spec.task} on {spec.domain}" if spec.weights == "computed" and elsewhere else str(spec.task),
        backbone=str(spec.backbone),
        domain=domain,
        reads=READS[chosen],
        image=shown.image,
        encode=lambda images: _read(backbone, images, chosen),
        identity={"warmup": spec.identity()},
        head=head,
    )


READS: Mapping[Trained, str] = {
    "embedding": "embedding",
    "position": "deepest map, each position",
    "pooled": "deepest map, mean over positions",
}


def _warmed_up(spec: WarmupSpec, shown: Domain, say: Callable[[str], None]) -> tuple[Backbone, Head | None]:
    name = str(spec.backbone)
    if spec.weights == "pretrained":
        return create_backbone(name, shown.image, spec.given), None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(spec.seed)
        backbone = create_backbone(name, shown.image)
    if spec.weights == "random":
        return backbone, None
    if not spec.is_cached():
        say(f"computing the warm-up {spec.task} of {name} on {spec.domain}: {spec.recipe.images:,} images")
    trained = spec.ensure(say=say)
    load_into(backbone, trained.path)
    task = spec.restore(trained)
    if not (isinstance(task, Classification) and task.by_name):
        return backbone, None
    return backbone, Head(tuple(spec.shown.warmup_classes), lambda images: answers(task, images))


def _read(backbone: Backbone, images: Tensor, reads: Trained) -> Tensor:
    normalised = backbone.preparation.normalise(images, torch.float32, torch.channels_last)
    if reads == "embedding":
        return backbone.read(normalised, "embedding")
    deepest = backbone.lower(normalised, len(backbone.stages) - 1)
    return pooled(deepest) if reads == "pooled" else deepest.flatten(1)
