"""What every domain must do: draw each pair from its number alone, label it, and keep its splits apart."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch

from bench.conformance.cases import CheckFailedError
from bench.domain import DOMAINS, Domain, Images, Pairs, Split, build_domain
from bench.errors import NotApplicableError, UsageError
from bench.registry import Choice
from bench.spec import parse_spec, shifted

N = 96
PIECES = (1, 2, 29, 64)
SHIFTED = 4
SPLITS: tuple[Split, ...] = ("train", "val", "test", "warmup")


class Drawn:
    """A domain and what it draws, drawn once.

    Raises:
        NotApplicableError: it needs files that nobody named.
    """

    def __init__(self, choice: Choice[Domain]) -> None:
        self.choice = choice
        try:
            self.domain = choice.build()
        except UsageError as error:
            if choice.cls.needs_files and not choice.params:
                raise NotApplicableError(f"needs files of yours; {error}") from None
            raise
        # Bound to this domain, and gone with it.
        self.pairs = cache(self._pairs)

    def _pairs(self, split: Split, seed: int = 0) -> Pairs:
        return self.domain.draw(split, seed, N)


def numbered(drawn: Drawn) -> None:
    """Pair and named image i depend on (split, seed, i) alone: not on how many are drawn, or from where."""
    torch.manual_seed(N)
    start, whole, other = 0, drawn.pairs("val"), drawn.choice.build()
    for n in PIECES:
        pairs, part = other.draw("val", 0, n, start), slice(start, start + n)
        alike = torch.equal(pairs.label, whole.label[part])
        if not alike or not _alike(pairs.a, whole.a, part) or not _alike(pairs.b, whole.b, part):
            raise CheckFailedError(
                f"pairs {start} to {start + n} drawn alone differ from the same pairs of a larger draw: take every "
                "factor of pair i from row i of bench.domain.uniforms(key, start, n, columns)"
            )
        start += n
    for easy in (False, True):
        named = drawn.domain.draw_named("val", 0, N, 0, easy)
        if not _alike(other.draw_named("val", 0, 9, 31, easy), named, slice(31, 40)):
            raise CheckFailedError("named images 31 to 40 drawn alone differ from those of a larger draw")


def balanced(drawn: Drawn) -> None:
    """Half of all pairs are same, and the label says whether the two classes are."""
    for split in SPLITS[:3]:
        pairs = drawn.pairs(split)
        same = int(pairs.label.sum())
        if 2 * same != N:
            raise CheckFailedError(f"{same} of {N} pairs of {split} are same, expected half of them")
        if not torch.equal(pairs.label, (pairs.a.latents["class"] == pairs.b.latents["class"]).long()):
            raise CheckFailedError(f"labels of {split} do not say whether latents['class'] of both images is the same")


def pixels(drawn: Drawn) -> None:
    """Pixels are uint8 (N, 3, H, W) of the shape ``image``, and labels int64."""
    _check_pairs(drawn.pairs("val"), drawn.domain)


def latents(drawn: Drawn) -> None:
    """Each latent has a row for each image, int64 ``class`` counts ``classes``, and a ``mask`` is uint8 (N, H, W)."""
    for split in SPLITS[:3]:
        for images in (drawn.pairs(split).a, drawn.pairs(split).b):
            _check_latents(images, drawn.domain.classes, "classes")


def collected(drawn: Drawn) -> None:
    """Where a domain has a ``collection``, ``latents["image"]`` says which of its images was drawn, to the pixel."""
    collection = drawn.domain.collection
    if collection is None:
        return
    for split in SPLITS[:3]:
        for side, images in zip("AB", (drawn.pairs(split).a, drawn.pairs(split).b), strict=True):
            number = images.latents.get("image")
            if number is None or number.dtype != torch.int64 or not set(number.tolist()) <= set(range(len(collection))):
                raise CheckFailedError(
                    f"latents['image'] must number the {len(collection)} images of collection, int64"
                )
            if not torch.equal(collection[number], images.pixels):
                raise CheckFailedError(
                    f"{side} of {split} does not show collection[latents['image']]: frozen encodings would be of other "
                    "images; without a collection each pair is encoded as it is drawn"
                )


def apart(drawn: Drawn) -> None:
    """Splits and seeds draw different images; a domain that renders shows no image in two of them."""
    draws = {(split, seed): drawn.pairs(split, seed) for split in SPLITS[:3] for seed in (0, 1)}
    images = {f"{split} under seed {seed}": _contents(pairs.a, pairs.b) for (split, seed), pairs in draws.items()}
    images["the warm-up"] = _contents(drawn.domain.draw_named("warmup", 0, N))
    names = list(images)
    renders = "mask" in draws["train", 0].a.latents
    for number, first in enumerate(names):
        for second in names[number + 1 :]:
            if images[first] == images[second]:
                raise CheckFailedError(f"{first} and {second} draw the same images: split and seed belong in the key")
            if renders and set(images[first]) & set(images[second]):
                raise CheckFailedError(f"{first} and {second} share an image: split and seed belong in every key")


def named(drawn: Drawn) -> None:
    """``draw_named`` shows ``warmup_classes``, none of which is a class of the task."""
    both = set(drawn.domain.warmup_classes) & set(drawn.domain.classes)
    if both:
        raise CheckFailedError(f"the warm-up names classes of the task: {', '.join(sorted(both))}")
    for easy in (False, True):
        images = drawn.domain.draw_named("warmup", 0, N, easy=easy)
        _check_images(images, N, drawn.domain)
        _check_latents(images, drawn.domain.warmup_classes, "warmup_classes")


def related(drawn: Drawn) -> None:
    """Every shift builds and draws pairs of the same kind; companions and the warm-up domain are registered."""
    for shift in drawn.domain.shifts:
        try:
            domain = DOMAINS.settle(shifted(str(drawn.choice), shift)).build()
        except UsageError as error:
            raise CheckFailedError(f"shift {shift} does not build: {error}") from None
        _check_pairs(domain.draw("test", 0, SHIFTED), domain, SHIFTED)
    for other in filter(None, (*drawn.domain.companions, drawn.domain.warmup_domain)):
        if parse_spec(other).name not in DOMAINS:
            raise CheckFailedError(f"{other} is not a domain: companions and warmup_domain are names of domains")


def identity(drawn: Drawn) -> None:
    """What identifies it in a key names no path: ``content`` replaces each parameter that is one."""
    build_domain(drawn.choice)
    for value in _texts(json.loads(json.dumps(drawn.choice.identity()))):
        if "/" in value or (value and Path(value).exists()):
            raise CheckFailedError(
                f"its identity holds the path {value!r}, and another copy of the files would be another domain: "
                "content must give a hash of them under the name of the parameter"
            )


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _contents(*sides: Images) -> list[bytes]:
    return [image.numpy().tobytes() for side in sides for image in side.pixels]


def _alike(part: Images, whole: Images, rows: slice) -> bool:
    return (
        torch.equal(part.pixels, whole.pixels[rows])
        and set(part.latents) == set(whole.latents)
        and all(torch.equal(value, whole.latents[key][rows]) for key, value in part.latents.items())
    )


def _check_pairs(pairs: Pairs, domain: Domain, n: int = N) -> None:
    if pairs.label.dtype != torch.int64 or pairs.label.shape != (n,) or not set(pairs.label.tolist()) <= {0, 1}:
        raise CheckFailedError(f"label must be int64 ({n},) of 0 and 1")
    for images in (pairs.a, pairs.b):
        _check_images(images, n, domain)
    if pairs.strata is not None and len(pairs.strata.index) != n:
        raise CheckFailedError(f"strata have {len(pairs.strata.index)} rows, expected {n}")


def _check_images(images: Images, n: int, domain: Domain) -> None:
    expected = (n, domain.image.channels, domain.image.height, domain.image.width)
    if images.pixels.dtype != torch.uint8 or tuple(images.pixels.shape) != expected:
        found = f"{images.pixels.dtype} {tuple(images.pixels.shape)}"
        raise CheckFailedError(f"pixels are {found}, expected torch.uint8 {expected} as image declares")


def _check_latents(images: Images, classes: tuple[str, ...], what: str) -> None:
    for name, values in images.latents.items():
        if len(values) != len(images):
            raise CheckFailedError(f"latent {name!r} has {len(values)} rows, expected {len(images)}")
    if "class" not in images.latents or images.latents["class"].dtype != torch.int64:
        raise CheckFailedError("latents must hold 'class', int64")
    shown = set(images.latents["class"].tolist())
    if not shown <= set(range(len(classes))):
        raise CheckFailedError(f"latents['class'] holds {max(shown)}, and there are {len(classes)} {what}")
    mask = images.latents.get("mask")
    if mask is not None and (mask.dtype != torch.uint8 or mask.shape != images.pixels[:, 0].shape):
        raise CheckFailedError(f"mask is {mask.dtype} {tuple(mask.shape)}, expected torch.uint8 (N, H, W)")
