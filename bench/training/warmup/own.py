"""The images that a warm-up shows: those that stand for a domain, or the domain's own."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split

# Parameter of every warm-up that is computed here, and its values.
IMAGES, BANK, OWN = "images", "bank", "own"


class OwnImages(Domain):
    """A domain whose named images are those of its own pairs, named by the classes of the task.

    Training shows images of training pairs, and the quality is measured on those of validation pairs: nothing that a
    domain holds out is shown.
    """

    name, version = "own-images", 1

    def __init__(self, source: Domain) -> None:
        self.source = source
        self.name = source.name  # type: ignore[misc]
        self.classes = self.warmup_classes = source.classes
        self.image = source.image
        self.names_images = source.names_images

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        return self.source.draw(split, seed, n, start)

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        """Image i is one of the two of pair i, by turns A and B; none is drawn easier than the others."""
        pairs = self.draw("train" if split == "warmup" else split, seed, n, start)
        known = pairs.a.latents.keys() & pairs.b.latents.keys()
        latents = {name: _by_turns(pairs.a.latents[name], pairs.b.latents[name], start) for name in known}
        return Images(_by_turns(pairs.a.pixels, pairs.b.pixels, start), latents)


def _by_turns(a: Tensor, b: Tensor, start: int) -> Tensor:
    """Row i of ``a`` (N, ...) where ``start`` + i is even, else of ``b``."""
    even = torch.arange(start, start + len(a)) % 2 == 0
    return torch.where(even.view(-1, *(1 for _ in a.shape[1:])), a, b)
