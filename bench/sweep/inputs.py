"""What a model is given: pairs as drawn, seen in its own way, and encoded once under the frozen protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bench.backbones import Reads
from bench.domain import DomainName, Images, Pairs, Split, build_domain
from bench.errors import NotApplicableError
from bench.fusion import Sees
from bench.model import PairModel
from bench.sweep import features
from bench.sweep.cache import Cache
from bench.sweep.cell import Cell
from bench.training.warmup.cache import on_stderr

Read = Callable[[Tensor], Tensor]


class Source(Protocol):
    """What a frozen encoder has its weights from: a warm-up, or a stored model."""

    @property
    def path(self) -> Path:
        """The file of the weights."""


ENCODE_BATCH = 256
# Training images whose mean and variance an embedding takes.
SETTLING = 1024

# Maps and embeddings of the training, validation and test pairs of one seed: 0.26 GB of mobilenetv3_small_32.
ENCODED_BYTES = 2**30
# Of `color` and `texture`, 9,600 training pairs take 80 MB and 2,000 test pairs 17 MB.
DRAWN_BYTES = 2**30


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)


def _bytes_of_pairs(pairs: Pairs) -> int:
    sides = pairs.a, pairs.b
    return _bytes([pairs.label, *(tensor for side in sides for tensor in (side.pixels, *side.latents.values()))])


_draws: Cache[Pairs] = Cache(DRAWN_BYTES, _bytes_of_pairs)
_classes: Cache[tuple[Tensor, Tensor]] = Cache(256)
_embeddings: Cache[Tensor] = Cache(ENCODED_BYTES, lambda tensor: tensor.nbytes)
_encodings: Cache[tuple[Tensor, Tensor]] = Cache(ENCODED_BYTES, _bytes)


def view(domain: DomainName, images: Images, sees: Sees) -> Tensor:
    """What a model is given of images: pixels, true masks as grey images (N, C, H, W), or likelihoods (N, classes)."""
    if sees == "mask":
        return images.latents["mask"][:, None].expand_as(images.pixels)
    if sees == "likelihoods":
        likelihoods = build_domain(domain).log_likelihoods(images)
        if likelihoods is None:
            raise NotApplicableError(f"{domain} offers no likelihoods of its images")
        return likelihoods
    return images.pixels


def draw(domain: DomainName, split: Split, seed: int, n: int) -> Pairs:
    """Pairs of a domain; a few draws are kept, since all fusions of a (domain, seed) ask for the same."""
    return _draws.get((domain, split, seed, n), lambda: build_domain(domain).draw(split, seed, n))


def classes(domain: DomainName, split: Split, seed: int, n: int) -> tuple[Tensor, Tensor]:
    """The classes (N,) int64 of the images A and B of the same pairs, which are kept when the images no longer are."""

    def drawn() -> tuple[Tensor, Tensor]:
        pairs = draw(domain, split, seed, n)
        return pairs.a.latents["class"], pairs.b.latents["class"]

    return _classes.get((domain, split, seed, n), drawn)


def inputs(
    cell: Cell, model: PairModel, start: Source | None, domain: DomainName, split: Split
) -> tuple[Tensor, Tensor]:
    """What is trained and scored of a split, on the device of the model: images, or encoded ones where they are frozen.

    Encodings are kept for all fusions that read from the same frozen backbone: its maps, of which tokens are a view and
    from which embeddings are the remaining layers away. Where the pairs are of a collection of images, each image is
    encoded once for all seeds.
    """
    drawn = domain, *cell.draws(split)
    if cell.protocol != "frozen" or not model.encodes_separately:
        pairs = draw(*drawn)
        a, b = (view(domain, side, model.fusion.sees).to(model.device) for side in (pairs.a, pairs.b))
        return a, b
    collection = _collection(cell, model, domain)
    if collection is None:
        return _encoded_pairs(cell, model, start, drawn)
    encoded, pairs = _encoded_collection(cell, model, collection), draw(*drawn)
    a, b = (_read_map(model, encoded[side.latents["image"]].to(model.device)) for side in (pairs.a, pairs.b))
    return a, b


def settle_embedding(cell: Cell, model: PairModel) -> None:
    """Give the BatchNorm of a frozen embedding that has seen no image, as behind weights that others trained, the mean
    and variance of training images: else it centres nothing, and all cosines are near 1."""
    backbone = model.backbone
    if cell.protocol != "frozen" or cell.weights is None or backbone is None or model.reads != "embedding":
        return
    norm = getattr(backbone.embedding, "norm", None)
    if model.fusion.encoder != "trained" or not isinstance(norm, nn.BatchNorm1d) or int(norm.num_batches_tracked or 0):
        return
    images = draw(cell.domain, *cell.draws("train")).a
    pixels, rows = _collection(cell, model, cell.domain), slice(SETTLING)
    if pixels is None:
        maps = _encode(model, _lower(model), view(cell.domain, images, model.fusion.sees)[rows])
    else:
        maps = _stored_maps(cell, model, pixels)[images.latents["image"][rows]].to(model.device)
    model.eval()
    momentum, norm.momentum = norm.momentum, None  # the mean of all that is seen
    norm.train()
    with torch.no_grad(), model.casting():
        backbone.read_map(maps, "embedding")
    norm.momentum = momentum
    model.eval()


def _encoded_pairs(
    cell: Cell, model: PairModel, start: Source | None, drawn: tuple[DomainName, Split, int, int]
) -> tuple[Tensor, Tensor]:
    """Both images of the pairs that were drawn, encoded."""
    reads, sees = model.reads, model.fusion.sees
    source = str(start.path) if start is not None else (cell.warmup.task, cell.weights, cell.seed, cell.domain)
    place = cell.backbone, model.fusion.encoder, source, sees, *drawn, model.precision, model.device

    def encoded(read: Read, images: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return _encode(model, read, images[0]), _encode(model, read, images[1])

    def viewed() -> tuple[Tensor, Tensor]:
        pairs = draw(*drawn)
        return view(drawn[0], pairs.a, sees), view(drawn[0], pairs.b, sees)

    def lower() -> tuple[Tensor, Tensor]:
        return _encodings.get((*place, _lowest(model)), lambda: encoded(_lower(model), viewed()))

    if reads == "embedding":
        return _encodings.get((*place, reads, _behind_map(model)), lambda: encoded(_upper(model), lower()))
    a, b = lower()
    return _read_map(model, a), _read_map(model, b)


def _collection(cell: Cell, model: PairModel, domain: DomainName) -> Tensor | None:
    """The images of a domain, where encoding all of them is less work than encoding the pairs of the cell."""
    pixels = build_domain(domain).collection
    asked = 2 * (cell.recipe.train_pairs + cell.recipe.val_pairs + len(cell.eval_domains) * cell.test_pairs)
    if pixels is None or model.fusion.sees != "image" or len(pixels) > asked:
        return None
    assert model.backbone is not None
    shape = model.backbone.spec.stages[_last_stage(model)]
    if features.fits(len(pixels), shape):
        return pixels
    _say_not_kept(str(domain), len(pixels))
    return None


@cache
def _say_not_kept(domain: str, images: int) -> None:
    """Say once in a process why a sweep encodes the same images again and again."""
    most = f"more than {features.LARGEST_BYTES / 2**30:.0f} GiB"
    on_stderr(f"{domain}: the maps of its {images:,} images take {most} and are not kept; each seed encodes its pairs")


def _encoded_collection(cell: Cell, model: PairModel, pixels: Tensor) -> Tensor:
    """Maps or embeddings of all images of a collection. The maps lie on disk; embeddings are made of them."""
    if model.reads != "embedding":
        return _stored_maps(cell, model, pixels)
    place = json.dumps([_identity(cell, model, pixels), _behind_map(model)], sort_keys=True)
    return _embeddings.get(place, lambda: _encode(model, _upper(model), _stored_maps(cell, model, pixels)).cpu())


def _stored_maps(cell: Cell, model: PairModel, pixels: Tensor) -> Tensor:
    """The map (N, C, H, W) of every image."""
    identity = _identity(cell, model, pixels)
    return features.stored(identity, len(pixels), lambda: _batches(model, _lower(model), pixels), on_stderr)


def _identity(cell: Cell, model: PairModel, pixels: Tensor) -> dict[str, Any]:
    """What the maps depend on."""
    backbone, last = model.backbone, _last_stage(model)
    assert backbone is not None
    return {
        "images": _pixels_digest(pixels),
        "backbone": dict(cell.backbone.identity()),
        "weights": features.digest([backbone.stem, *backbone.stages[: last + 1]]),
        "preparation": backbone.preparation.identity(),
        "stage": last,
        "computed": [str(of) for of in (torch.__version__, model.device.type, model.precision, model.memory_format)],
    }


def _behind_map(model: PairModel) -> str:
    """What embeddings depend on beside the maps: an embedding may be settled on the training images of its cell."""
    backbone = model.backbone
    assert backbone is not None
    return features.digest([*backbone.stages[_last_stage(model) + 1 :], backbone.embedding])


def _pixels_digest(pixels: Tensor) -> str:
    return hashlib.sha256(f"{tuple(pixels.shape)}".encode() + pixels.contiguous().numpy().tobytes()).hexdigest()


def _lowest(model: PairModel) -> Reads:
    """What is kept of the backbone: the map that a fusion reads, or from which what it reads is made."""
    assert model.reads is not None
    return model.reads if isinstance(model.reads, int) else "map"


def _last_stage(model: PairModel) -> int:
    assert model.backbone is not None
    lowest = _lowest(model)
    return lowest if isinstance(lowest, int) else model.backbone.map_stage


def _lower(model: PairModel) -> Read:
    """uint8 images to that map."""
    backbone = model.backbone
    assert backbone is not None
    return lambda part: backbone.read(model.normalised(part), _lowest(model))


def _upper(model: PairModel) -> Read:
    """The map to embeddings."""
    backbone = model.backbone
    assert backbone is not None
    return lambda part: backbone.read_map(part, "embedding")


def _read_map(model: PairModel, encoded: Tensor) -> Tensor:
    """Tokens of the map; anything else as it is."""
    assert model.backbone is not None
    return model.backbone.read_map(encoded, "tokens") if model.reads == "tokens" else encoded


def _encode(model: PairModel, read: Read, images: Tensor) -> Tensor:
    return torch.cat(list(_batches(model, read, images)))


def _batches(model: PairModel, read: Read, images: Tensor) -> Iterator[Tensor]:
    model.eval()
    for part in images.split(ENCODE_BATCH):
        with torch.no_grad(), model.casting():
            yield read(part.to(model.device)).float()
