"""What a model is given: pairs as drawn, seen in its own way, and encoded once under the frozen protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import torch
from torch import Tensor

from bench.backbones import Reads
from bench.domain import DomainName, Images, Pairs, Split, build_domain
from bench.errors import NotApplicableError
from bench.fusion import Sees
from bench.model import PairModel, standardise
from bench.sweep.cache import Cache
from bench.sweep.cell import Cell
from bench.training.warmup import Warmup

ENCODE_BATCH = 256

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
_encodings: Cache[tuple[Tensor, Tensor]] = Cache(ENCODED_BYTES, _bytes)


def view(domain: DomainName, images: Images, sees: Sees) -> Tensor:
    """What a model is given of images: pixels, true masks as grey images (N, 3, H, W), or likelihoods (N, classes)."""
    if sees == "mask":
        return images.latents["mask"][:, None].expand(-1, 3, -1, -1)
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
    cell: Cell, model: PairModel, start: Warmup | None, domain: DomainName, split: Split, seed: int, n: int
) -> tuple[Tensor, Tensor]:
    """What is trained and scored, on the device of the model: images, or encoded images under the frozen protocol.

    Encodings are kept for all fusions that read from the same frozen backbone: its maps, of which tokens are a view and
    from which embeddings are the remaining layers away.
    """
    sees = model.fusion.sees

    def viewed() -> tuple[Tensor, Tensor]:
        pairs = draw(domain, split, seed, n)
        return view(domain, pairs.a, sees), view(domain, pairs.b, sees)

    if cell.protocol != "frozen" or not model.encodes_separately:
        a, b = viewed()
        return a.to(model.device), b.to(model.device)
    backbone, reads = model.backbone, model.reads
    assert backbone is not None
    assert reads is not None
    source = str(start.path) if start is not None else f"{cell.warmup.task}, seed {cell.seed}"
    place = cell.backbone, model.fusion.encoder, source, sees, domain, split, seed, n, model.precision
    lowest: Reads = reads if isinstance(reads, int) else "map"
    shown = partial(standardise, dtype=model.dtype, memory_format=model.memory_format)

    def encoded(read: Callable[[Tensor], Tensor], images: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return _encode(model, read, images[0]), _encode(model, read, images[1])

    def lower() -> tuple[Tensor, Tensor]:
        return _encodings.get(
            (*place, lowest), lambda: encoded(lambda part: backbone.read(shown(part), lowest), viewed())
        )

    if isinstance(reads, int):
        return lower()
    if reads != "embedding":
        a, b = lower()
        return backbone.read_map(a, reads), backbone.read_map(b, reads)
    return _encodings.get((*place, reads), lambda: encoded(lambda part: backbone.read_map(part, reads), lower()))


def _encode(model: PairModel, read: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad(), model.casting():
        return torch.cat([read(part.to(model.device)).float() for part in images.split(ENCODE_BATCH)])
