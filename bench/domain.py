"""Contract of a domain: a distribution of labelled image pairs."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, singledispatch
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.errors import LONGEST_NAME
from bench.foreign import in_one_line
from bench.fusion import MapShape, Sees
from bench.packages import Package
from bench.registry import Choice, Registry
from bench.source import source_hash
from bench.text import printable

Split = Literal["train", "val", "test", "warmup"]
Latents = Mapping[str, Tensor]

BLOCK = 1024
PHILOX_DRAWS = 4  # numbers that it draws at a time


@dataclass(frozen=True)
class Images:
    """Images with the record of every factor that made them.

    Attributes:
        pixels: (N, C, H, W) uint8, of three channels or of one.
        latents: one tensor of N rows per factor. ``class`` (int64) is always there; ``mask`` (N, H, W) uint8, the share
            of each pixel that the figure covers times 255, where the domain knows it.
    """

    pixels: Tensor
    latents: Latents

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Strata:
    """Kinds of pairs that a record reports apart, such as severities: ``index`` (N,) int64 into ``names``."""

    names: tuple[str, ...]
    index: Tensor


@dataclass(frozen=True)
class Pairs:
    """Two images per row and ``label`` (N,) int64: 1 when both show the same class, else 0."""

    a: Images
    b: Images
    label: Tensor
    strata: Strata | None = None

    def __len__(self) -> int:
        return len(self.label)


class Domain(ABC):
    """Base class of all domains.

    ``version`` rises whenever the same call would return other pixels; it is part of every record's key.
    Constructor parameters are typed, have defaults and can be set from YAML and the command line. A domain with
    ``shifts`` takes one of them as its parameter ``shift``; what it then draws differs from its source in one factor.

    Attributes:
        needs_files: of the user; ``all`` and globs leave such a domain out.
        packages: what it reads of public registries; ``bench data install`` fetches it, and nothing else does.
        classes: names of what ``latents["class"]`` counts.
        groups: names of what ``latents["group"]`` counts; empty where it is not there or its names are not known.
        warmup_classes: names of what :meth:`draw_named` shows.
        image: shape of one image.
        shifts: by name, what each of them changes.
        companions: domains that a cell is tested on besides its own unless told otherwise.
        warmup_domain: the domain whose warm-up serves this one; empty for its own.
        offers: what references may see of its images, in the words of ``Fusion.sees``.
        aligned: whether one place is the same in both images of a pair; both are then moved alike by augmentation.
        names_images: whether ``latents["class"]`` says what an image shows, so that images of different pairs may be
            compared by it; where not, it says of a pair whether it is same, and no more.
        test_pairs: how many test pairs there are before the first comes again; None where they never end.
        quarter: the one of ``bench.quarters`` that its test pairs are; empty where that is not known.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    needs_files: ClassVar[bool] = False
    packages: ClassVar[tuple[Package, ...]] = ()
    classes: tuple[str, ...]
    groups: tuple[str, ...] = ()
    warmup_classes: tuple[str, ...]
    image: MapShape = MapShape(3, 32, 32)
    shifts: Mapping[str, str] = MappingProxyType({})
    companions: tuple[str, ...] = ()
    warmup_domain: str = ""
    offers: tuple[Sees, ...] = ("image",)
    aligned: bool = False
    names_images: bool = True
    test_pairs: int | None = None
    quarter: str = ""

    @property
    def content(self) -> Mapping[str, str]:
        """Hash of the user's files behind each parameter that is a path; it replaces the path in a record's key."""
        return {}

    @property
    def collection(self) -> Tensor | None:
        """All images that the domain shows, (N, C, H, W) uint8, as ``latents["image"]`` counts them; None where every
        draw makes or alters them."""
        return None

    @property
    def file_facts(self) -> Mapping[str, Tensor]:
        """What the files of ``collection`` tell beside their pixels, such as their sizes: (N,) numbers by name. No
        model sees them, an audit asks them."""
        return {}

    @abstractmethod
    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        """Pairs ``start`` to ``start + n`` of a split, half of them same.

        Pair i depends only on (version, split, seed, i): not on ``n``, the batch size, the device or the threads.
        """

    @abstractmethod
    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        """Single images of ``warmup_classes``, which share no class with the task; ``latents["class"]`` names each.

        With ``easy`` only images on which naming is easier, such as large figures: the warm-up starts with them.
        """

    def log_likelihoods(self, images: Images) -> Tensor | None:
        """How well each of ``classes`` explains each image to an observer that knows how images are made.

        Returns:
            (N, len(classes)) float32 log-likelihoods from the pixels alone, or None where the domain has no such
            observer.
        """
        return None


@singledispatch
def groups_of(domain: Domain) -> tuple[str, ...]:
    """:attr:`Domain.groups`. A function that is registered here says it for a domain whose own file must stay as it
    is, since the keys of records hang on it."""
    return domain.groups


@singledispatch
def unread_of(domain: Domain) -> tuple[str, ...]:
    """A line on each kind of file that lies among the user's images and is none of the domain's, on columns of their
    list that are not read, and on groups that it has in training and in testing; registered like :func:`groups_of`.

    Raises:
        UsageError: something in the list was hardly meant as it is read.
    """
    return ()


DomainName = str | Choice[Domain]


def uniforms(key: tuple[str | int, ...], start: int, n: int, columns: int) -> Tensor:
    """Rows ``start`` to ``start + n`` of an endless table of uniform numbers in [0, 1), (n, columns) float64.

    A row depends only on ``key``, its index and ``columns``. Domains take every factor of sample i from row i.
    """
    blocks = range(start // BLOCK, (start + n - 1) // BLOCK + 1)
    rows = [
        _rows((*key, block), max(0, start - block * BLOCK), min(BLOCK, start + n - block * BLOCK), columns)
        for block in blocks
    ]
    return torch.from_numpy(np.concatenate(rows))


def _rows(key: tuple[str | int, ...], first: int, end: int, columns: int) -> NDArray[np.float64]:
    """Rows of one block of the table. Philox takes all 128 bits of the key, where torch's generator would read 32 of
    them, and goes to any place at once."""
    digest = hashlib.sha256(repr(key).encode()).digest()
    philox = np.random.Philox(key=int.from_bytes(digest[:16], "big"))
    philox.advance(first * columns // PHILOX_DRAWS)
    numbers = np.random.Generator(philox)
    numbers.random(first * columns % PHILOX_DRAWS)
    return numbers.random((end - first, columns))


def _check(cls: type[Domain]) -> None:
    for attribute in ("name", "version"):
        if not hasattr(cls, attribute):
            raise TypeError(f"domain {cls.__name__} does not state {attribute!r}")


class _Domains(Registry[Domain]):
    def identity(self, choice: Choice[Domain]) -> Mapping[str, Any]:
        return _identity(choice)


@cache
def _identity(choice: Choice[Domain]) -> Mapping[str, Any]:
    """Name, version, source and parameters, with the content of a user's files in place of their path."""
    domain = build_domain(choice)
    params = {key: value for key, value in choice.meant.items() if key not in domain.content}
    of_the_version = {"version": domain.version, "content": dict(domain.content)}
    return {"name": choice.name, "params": params, "source": source_hash(choice.cls), **of_the_version}


def clear_identities() -> None:
    """Forget what identifies each domain, whose files or source may have changed."""
    _built.cache_clear()
    _identity.cache_clear()
    _opened.clear()


def build_domain(domain: DomainName) -> Domain:
    """The domain of a name with parameters, built once. A user's files are read then, so that damage, and a list that
    was hardly meant as it is read, are found before anything is trained.

    Raises:
        UsageError: an unknown name or parameter, or files that cannot be read.
    """
    return _built(domain if isinstance(domain, Choice) else DOMAINS.settle(domain))


# The files that were read in this process: those of a domain under a shift are its source's.
_opened: set[tuple[Any, ...]] = set()


@cache
def _built(choice: Choice[Domain]) -> Domain:
    with in_one_line(f"domain {printable(str(choice), LONGEST_NAME)}"):
        domain = choice.build()
        files = (choice.name, *((name, choice.params.get(name)) for name in domain.content))
        if domain.needs_files and files not in _opened:
            unread_of(domain)
            domain.draw("train", 0, 2)
            _opened.add(files)
    return domain


DOMAINS = _Domains("domain", _check)
register_domain = DOMAINS.register
