"""The ``emoji`` domain: one concept as several hands drew it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache, cached_property
from types import MappingProxyType

import torch
from torch import Tensor

from bench.domain import Pairs, Split, Strata, register_domain, uniforms
from bench.errors import UsageError
from bench.quarters import QUARTERS
from bench.spec import Spec, shifted

from .bank import PARTS, Bank
from .emoji_images import EmojiImages
from .emoji_packages import FAMILIES, PACKAGES, SETS
from .emoji_pairs import KINDS, NEGATIVES, PairTable
from .labelled import CLASS_SHIFTS, LabelledDomain
from .renderer import IMAGE_SIZE
from .synthetic import balanced_classes

SIZES = (32, 64, 96)
# Shares of the concepts for training and validation; the rest is for testing.
TRAIN, VAL = 0.60, 0.15
# The shifts, by the names of the quarters that they are; the domain itself is the fourth.
SEEN, NOVEL_GROUP, NOVEL_BOTH = "seen", "novel_group", "novel_both"
OWN = "novel"
# Weights of red, green and blue of ITU-R BT.601.
LUMA = (0.299, 0.587, 0.114)


@register_domain
class Emoji(LabelledDomain):
    """Emoji by eight vendors: do two drawings, never by one hand, show the same concept? Needs ``bench data install``.

    About 1,000 concepts, each in six sets or more; concepts that a set draws alike are one. 60 % of the concepts are
    for training, 15 % for validation and 25 % for testing, so the test is on new concepts by vendors that training
    showed. One family of vendors is left out of all that.

    Half of the pairs are same. The partner of a different pair comes from the vendor that the same partner would come
    from; of ``mixed`` negatives half show another concept of the same Unicode subgroup.

    Args:
        size: height and width of the images in pixels: 32, 64 or 96, on plain ground.
        gray: whether the images are shades of grey.
        negatives: ``hard`` partners come from one subgroup, ``easy`` ones from all; ``mixed`` half each.
        vendors_out: the family that training never shows: noto, twemoji, openmoji, fluent, emojione or fxemoji.
        fold: another number is another split of the concepts.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "emoji", 1
    needs_files = True
    packages = PACKAGES
    quarter_of = MappingProxyType({"": OWN, **{name: name for name in (SEEN, NOVEL_GROUP, NOVEL_BOTH)}})

    def __init__(
        self,
        size: int = IMAGE_SIZE,
        gray: bool = False,
        negatives: str = "mixed",
        vendors_out: str = "openmoji",
        fold: int = 0,
        shift: str = "",
    ) -> None:
        _check("size", size, SIZES)
        _check("negatives", negatives, NEGATIVES)
        _check("vendors_out", vendors_out, FAMILIES)
        if shift in CLASS_SHIFTS:
            raise UsageError(f"emoji: shift {shift!r}: the domain itself is tested on {QUARTERS[OWN]}")
        self._images = EmojiImages(size)
        self._gray, self._negatives, self._left_out, self._fold = gray, negatives, vendors_out, fold
        params = {"gray": gray, "negatives": negatives, "vendors_out": vendors_out, "fold": fold}
        super().__init__(tuple(self._images.names), shift, 0, size, **params)

    @property
    def content(self) -> Mapping[str, str]:
        return {"images": self._images.content}

    def _class_shifts(self) -> dict[str, str]:
        return {
            SEEN: "Concepts and vendors of training; one image of each pair was kept from it",
            NOVEL_GROUP: "Concepts of training; one image of each pair is by the vendors left out",
            NOVEL_BOTH: "Concepts for testing; one image of each pair is by the vendors left out",
        }

    def _companions(self, params: Mapping[str, str | int]) -> tuple[str, ...]:
        defaults = inspect.signature(type(self)).parameters
        own = {key: value for key, value in params.items() if key in defaults and value != defaults[key].default}
        return tuple(shifted(str(Spec(self.name, own)), shift) for shift in self._class_shifts())

    @cached_property
    def bank(self) -> Bank:
        pixels = torch.from_numpy(self._images.pixels)
        if self._gray:
            luma = (pixels.double() * torch.tensor(LUMA, dtype=torch.float64)[:, None, None]).sum(1, keepdim=True)
            pixels = luma.add(0.5).to(torch.uint8).expand(-1, 3, -1, -1)
        concepts, vendors = torch.from_numpy(self._images.concept), torch.from_numpy(self._images.vendor)
        return Bank(pixels, concepts, self._part_of_concept[concepts], {"group": vendors})

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        first, second = balanced_classes(key, start, n, 2)
        table = self._table("train" if split == "warmup" else split)
        picked = table.pick(first == second, uniforms((*key, "images"), start, n, 3), NEGATIVES[self._negatives])
        image_a = self._number[picked.concept_a, picked.vendor_a]
        image_b = self._number[picked.concept_b, picked.vendor_b]
        a = self.show(image_a, picked.concept_a, (*key, "a"), start)
        b = self.show(image_b, picked.concept_b, (*key, "b"), start)
        strata: Strata | None = Strata(KINDS, picked.kind)
        if self._pixel_shift is not None:
            pixels_a, pixels_b, strata = self._pixel_shift(a.pixels, b.pixels, key, start)
            a, b = replace(a, pixels=pixels_a), replace(b, pixels=pixels_b)
        return Pairs(a, b, (picked.concept_a == picked.concept_b).long(), strata)

    @cached_property
    def _hashes(self) -> Tensor:
        """Two numbers in [0, 1) for each concept, (concepts, 2) float64; code points and fold alone decide them."""
        rows = []
        for code in self._images.codes:
            digest = hashlib.sha256(f"{self.name} {self._fold} {code}".encode()).digest()
            rows.append([int.from_bytes(digest[first : first + 6], "big") / 2**48 for first in (0, 6)])
        return torch.tensor(rows, dtype=torch.float64)

    @cached_property
    def _part_of_concept(self) -> Tensor:
        bounds = torch.tensor([TRAIN, TRAIN + VAL], dtype=torch.float64)
        return torch.bucketize(self._hashes[:, 0].contiguous(), bounds, right=True)

    @cached_property
    def _number(self) -> Tensor:
        """The image of each concept by each vendor, as its place in the bank; -1 where there is none."""
        number = torch.full((len(self.names), len(SETS)), -1)
        number[torch.from_numpy(self._images.concept), torch.from_numpy(self._images.vendor)] = torch.arange(
            len(self._images.concept)
        )
        return number

    @cache  # noqa: B019
    def _table(self, part: str) -> PairTable:
        families = torch.tensor([list(FAMILIES).index(_family(name)) for name in SETS])
        subgroups = sorted(set(self._images.subgroups))
        subgroup = torch.tensor([subgroups.index(name) for name in self._images.subgroups])
        return PairTable(self._roles(part), families, subgroup)

    def _roles(self, part: str) -> tuple[Tensor, Tensor]:
        """Which drawings the two images of a pair may be: two (concepts, vendors) bool."""
        there = self._number >= 0
        left_out = there & torch.tensor([_family(name) == self._left_out for name in SETS])
        shown = there & ~left_out
        of_train, of_part = (self._part_of_concept == PARTS.index(one) for one in ("train", part))
        kept_back = self._kept_back(shown) & of_train[:, None]
        shown &= ~kept_back
        if self.shift == SEEN:
            return kept_back, shown & of_train[:, None]
        if self.shift in (NOVEL_GROUP, NOVEL_BOTH):
            concepts = of_train if self.shift == NOVEL_GROUP else of_part
            return left_out & concepts[:, None], shown & concepts[:, None]
        own = shown & of_part[:, None]
        return own, own

    def _kept_back(self, shown: Tensor) -> Tensor:
        """One drawing of each concept, whose hash chooses among the vendors shown: (concepts, vendors) bool."""
        place = (self._hashes[:, 1] * shown.sum(1)).long() + 1
        return shown & (shown.cumsum(1) == place[:, None])


def _family(name: str) -> str:
    return next(family for family, sets in FAMILIES.items() if name in sets)


def _check(name: str, value: str | int, allowed: Collection[str | int]) -> None:
    if value not in allowed:
        raise UsageError(f"emoji: {name}={value}; expected one of {', '.join(map(str, allowed))}")
