"""What a model is given: pairs as drawn, seen in its own way, and encoded once under the frozen protocol."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from bench.backbones import Reads
from bench.domain import Images, Pairs, Split
from bench.errors import NotApplicableError
from bench.fusion import Sees
from bench.model import PairModel, standardise
from bench.sweep.cache import Recent
from bench.sweep.cell import Cell, build_domain
from bench.training.warmup import Warmup

ENCODE_BATCH = 256

# Maps and embeddings of the training, validation and test pairs of one seed: 0.26 GB of mobilenetv3_small_32.
ENCODED_BYTES = 2**30


def _bytes(sides: tuple[Tensor, Tensor]) -> int:
    return sum(side.numel() * side.element_size() for side in sides)


_draws: Recent[Pairs] = Recent(8)
_encodings: Recent[tuple[Tensor, Tensor]] = Recent(ENCODED_BYTES, _bytes)


def view(domain: str, images: Images, sees: Sees) -> Tensor:
    """What a model is given of images: pixels, true masks as grey images (N, 3, H, W), or likelihoods (N, classes)."""
    if sees == "mask":
        return images.latents["mask"][:, None].expand(-1, 3, -1, -1)
    if sees == "likelihoods":
        likelihoods = build_domain(domain).log_likelihoods(images)
        if likelihoods is None:
            raise NotApplicableError(f"{domain} offers no likelihoods of its images")
        return likelihoods
    return images.pixels


def draw(domain: str, split: Split, seed: int, n: int) -> Pairs:
    """Pairs of a domain; the last few draws are kept, since all fusions of a (domain, seed) ask for the same."""
    return _draws.get((domain, split, seed, n), lambda: build_domain(domain).draw(split, seed, n))


def inputs(
    cell: Cell, model: PairModel, start: Warmup | None, domain: str, split: Split, seed: int, n: int
) -> tuple[Tensor, Tensor]:
    """What is trained and scored, on the device of the model: images, or encoded images under the frozen protocol.

    Encodings are kept for all fusions that read from the same frozen backbone: its maps, of which tokens are a view and
    from which embeddings are the remaining layers away.
    """
    pairs, sees = draw(domain, split, seed, n), model.fusion.sees
    a, b = view(domain, pairs.a, sees), view(domain, pairs.b, sees)
    if cell.protocol != "frozen" or not model.encodes_separately:
        return a.to(model.device), b.to(model.device)
    backbone, reads = model.backbone, model.reads
    assert backbone is not None
    assert reads is not None
    source = str(start.path) if start is not None else f"{cell.warmup}, seed {cell.seed}"
    place = cell.backbone, source, sees, domain, split, seed, n, model.precision
    lowest: Reads = reads if isinstance(reads, int) else "map"
    shown = partial(standardise, dtype=model.dtype, memory_format=model.memory_format)
    first = partial(_encode, model, lambda part: backbone.read(shown(part), lowest))

    def lower() -> tuple[Tensor, Tensor]:
        return _encodings.get((*place, lowest), lambda: (first(a), first(b)))

    if isinstance(reads, int):
        return lower()
    if reads != "embedding":
        left, right = lower()
        return backbone.read_map(left, reads), backbone.read_map(right, reads)
    rest = partial(_encode, model, lambda part: backbone.read_map(part, reads))

    def embeddings() -> tuple[Tensor, Tensor]:
        left, right = lower()
        return rest(left), rest(right)

    return _encodings.get((*place, reads), embeddings)


def _encode(model: PairModel, read: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    model.eval()
    with torch.no_grad(), model.casting():
        return torch.cat([read(part.to(model.device)).float() for part in images.split(ENCODE_BATCH)])
