"""What an audit looks at: pairs of every split of one domain, and the backbone that its networks start from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.domain import Domain, Images, Pairs, Split, build_domain
from bench.errors import UsageError
from bench.spec import shift_of, shifted
from bench.training.warmup import WarmupSpec

BACKBONE = "mobilenetv3_small_32"
MIN_PAIRS, MOST_PAIRS = 200, 10_000_000
CHUNK = 4_096
BLOB = "blob"
# These say what the image shows (``image``: which one of a collection it is; ``pair``: which pair of a list); every
# other latent is a nuisance.
SHAPE_LATENTS = ("class", "mask", "image", "pair")


@dataclass(frozen=True)
class Draws:
    """Pairs of every split of one domain, drawn when first asked for.

    Attributes:
        text: name of the domain with parameters.
        n: test pairs, or all that there are; training has half as many, validation a quarter.
        seed: of all draws and of the networks.
        warmup_recipe: fields that differ from the declared warm-up of the backbone.
    """

    text: str
    n: int
    seed: int = 0
    warmup_recipe: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not MIN_PAIRS <= self.n <= MOST_PAIRS:
            allowed = f"at least {MIN_PAIRS} test pairs and takes at most {MOST_PAIRS:,}"
            raise UsageError(f"--n {self.n}: an audit needs {allowed}")
        # Fails here, before a line of progress is printed.
        build_domain(self.text)

    @property
    def domain(self) -> Domain:
        return build_domain(self.text)

    @property
    def class_chance(self) -> float:
        """Accuracy of a guess at the class of one image."""
        return 1 / len(self.domain.classes)

    @cached_property
    def test(self) -> Pairs:
        return self._draw("test", min(self.n, self.domain.test_pairs or self.n))

    @cached_property
    def train(self) -> Pairs:
        return self._draw("train", self.n // 2)

    @cached_property
    def val(self) -> Pairs:
        return self._draw("val", self.n // 4)

    @property
    def rendered(self) -> bool:
        """Whether every image is drawn anew, so that no two are alike; other domains choose from a bank."""
        return "mask" in self.test.a.latents

    @property
    def equal_area(self) -> bool:
        """Whether the classes differ in the form of a figure and in nothing else: those of such a domain can be
        replaced by blobs. Characters and photographs also differ in area or brightness, by nature."""
        return BLOB in self.domain.shifts

    def warm_up(self) -> Path:
        """Weights of the domain's shared warm-up, from the cache or computed first."""
        return WarmupSpec.declared("names", BACKBONE, self.text, self.warmup_recipe).ensure().path

    def draw_all(self) -> None:
        """Draw every split now."""
        for pairs in (self.train, self.val, self.test):
            assert len(pairs)

    def shape_blind(self) -> Draws | None:
        """The same of blobs in place of shapes; None where the domain has none or already is under a shift."""
        source, shift = shift_of(self.text)
        return None if shift or not self.equal_area else replace(self, text=shifted(source, BLOB))

    def afresh(self, times: int) -> Draws | None:
        """The same training pairs, and ``times`` as many test pairs, none of them one of these; None where the domain
        has no others."""
        if self.domain.test_pairs is not None:
            return None
        return self.showing(self.train, self._draw("test", times * len(self.test), len(self.test)))

    def showing(self, train: Pairs, test: Pairs) -> Draws:
        """The same with other pairs for training and testing."""
        other = replace(self)
        other.__dict__.update(train=train, test=test)
        return other

    def _draw(self, split: Split, n: int, first: int = 0) -> Pairs:
        starts = range(first, first + n, CHUNK)
        return joined([self.domain.draw(split, self.seed, min(CHUNK, first + n - start), start) for start in starts])


def both(pairs: Pairs) -> Images:
    """All images of pairs, those of A first."""
    return _stacked([pairs.a, pairs.b])


def nuisance_names(images: Images) -> list[str]:
    """Names of the latents that do not say what the figure is."""
    return [name for name, value in images.latents.items() if name not in SHAPE_LATENTS and value.ndim <= 2]


def nuisances(images: Images) -> NDArray[np.float64]:
    """All latents of :func:`nuisance_names` as columns (N, F)."""
    columns = [images.latents[name].double().reshape(len(images), -1) for name in nuisance_names(images)]
    return torch.cat(columns, dim=1).numpy()


def subset(images: Images, rows: Tensor) -> Images:
    """Some of the images, by number."""
    return Images(images.pixels[rows], {name: values[rows] for name, values in images.latents.items()})


def part_of(pairs: Pairs, rows: Tensor) -> Pairs:
    """Some of the pairs, by number."""
    return Pairs(subset(pairs.a, rows), subset(pairs.b, rows), pairs.label[rows])


def joined(parts: list[Pairs]) -> Pairs:
    """All pairs of ``parts``, one after the other."""
    label = torch.cat([part.label for part in parts])
    return Pairs(_stacked([part.a for part in parts]), _stacked([part.b for part in parts]), label)


def _stacked(parts: list[Images]) -> Images:
    def joined(name: str) -> Tensor:
        return torch.cat([part.latents[name] for part in parts])

    return Images(torch.cat([part.pixels for part in parts]), {name: joined(name) for name in parts[0].latents})
