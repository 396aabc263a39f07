"""The single images that a probe is shown, by part: those of the pairs that a domain deals to each split."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import Domain, Images, Split, build_domain
from bench.errors import UsageError

CHUNK = 4_096
# Chunks of pairs that are drawn at most to see every image of a collection, and of those that show none that is new.
MOST_CHUNKS, IDLE_CHUNKS = 48, 2
IMAGE, GROUP = "image", "group"


@dataclass(frozen=True)
class Part:
    """Images of one part.

    Attributes:
        name: train, val, test or another domain that is tested on.
        pixels: (N, C, H, W) uint8.
        names: (N,) text, the class of each.
        groups: (N,) int64, such as who made each; None where that is not known.
    """

    name: str
    pixels: Tensor
    names: NDArray[np.str_]
    groups: NDArray[np.int64] | None

    def __len__(self) -> int:
        return len(self.names)

    def of(self, rows: NDArray[np.bool_]) -> Part:
        """Some of its images, by a mask (N,)."""
        groups = None if self.groups is None else self.groups[rows]
        return Part(self.name, self.pixels[torch.from_numpy(rows)], self.names[rows], groups)


def own_images(domain: str, tested: Sequence[str], seed: int, train: int, test: int) -> list[Part]:
    """Training, validation and test images of a domain, and the test images of others.

    Of a finite collection each image is shown once in a part. What training or validation may show is in no test, also
    where a pair of that has such an image beside a new one.

    Args:
        tested: the others, by name.
        train, test: most images for training, and of every other part.

    Raises:
        UsageError: the domain names no images, or a part is empty.
    """
    source = build_domain(domain)
    if not source.names_images:
        raise UsageError(f"{domain}: labels pairs alone, so that no image of it has a class to be told")
    taken: set[int] = set()
    parts = []
    for split, most in _splits(train, test):
        part, numbers = _gather(source, split, split, seed, most, taken)
        parts.append(part)
        taken |= numbers if split != "test" else set()
    parts += [_gather(build_domain(other), other, "test", seed, test, taken)[0] for other in tested]
    for part in parts[:3]:
        if not len(part):
            raise UsageError(f"{domain}: no images for {part.name}")
    return [part for part in parts if len(part)]


def bank_images(domain: str, tested: Sequence[str], seed: int, train: int, test: int) -> list[Part]:
    """The named images that a domain shows in warm-ups, and as new classes those of its own test and of others."""
    source = build_domain(domain)
    known = [
        _part(split, source.draw_named("warmup" if split == "train" else split, seed, most), source.warmup_classes)
        for split, most in _splits(train, test)
    ]
    return [*known, *(_gather(build_domain(other), other, "test", seed, test, set())[0] for other in (domain, *tested))]


def _splits(train: int, test: int) -> Iterator[tuple[Split, int]]:
    yield "train", train
    yield "val", test
    yield "test", test


def _gather(domain: Domain, name: str, split: Split, seed: int, most: int, taken: set[int]) -> tuple[Part, set[int]]:
    """At most so many images of the pairs of a split, without those ``taken``; and the numbers of all that it has."""
    if IMAGE not in domain.draw(split, seed, 1).a.latents:
        pairs = domain.draw(split, seed, -(-most // 2))
        return _joined(name, [_part(name, side, domain.classes) for side in (pairs.a, pairs.b)]), set()
    found: list[Part] = []
    seen: set[int] = set()
    kept, idle = 0, 0
    for chunk in range(MOST_CHUNKS):
        pairs = domain.draw(split, seed, CHUNK, chunk * CHUNK)
        before = len(seen)
        for side in (pairs.a, pairs.b):
            new = _unseen(side.latents[IMAGE].numpy(), seen, taken)[: most - kept]
            kept += len(new)
            found.append(_part(name, _some(side, new), domain.classes))
        idle = 0 if len(seen) > before else idle + 1
        if idle == IDLE_CHUNKS:
            break
    return _joined(name, found), seen


def _unseen(numbers: NDArray[np.int64], seen: set[int], taken: set[int]) -> NDArray[np.int64]:
    """Rows in which a number (N,) comes for the first time and is not ``taken``, in order; all are ``seen`` then."""
    own, rows = np.unique(numbers, return_index=True)
    is_new = ~np.isin(own, [*seen, *taken])
    seen.update(own.tolist())
    return np.sort(rows[is_new])


def _some(images: Images, rows: NDArray[np.int64]) -> Images:
    chosen = torch.from_numpy(rows)
    return Images(images.pixels[chosen], {name: values[chosen] for name, values in images.latents.items()})


def _part(name: str, images: Images, classes: Collection[str]) -> Part:
    groups = images.latents.get(GROUP)
    names = np.asarray(list(classes))[images.latents["class"].numpy()]
    return Part(name, images.pixels, names, None if groups is None else groups.numpy())


def _joined(name: str, parts: Sequence[Part]) -> Part:
    groups = [part.groups for part in parts if part.groups is not None]
    return Part(
        name,
        torch.cat([part.pixels for part in parts]),
        np.concatenate([part.names for part in parts]),
        np.concatenate(groups) if groups else None,
    )
