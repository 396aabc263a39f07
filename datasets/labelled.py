"""What domains of labelled images share: splits by image, balanced pairs, held-out classes, shifts, the warm-up."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.domain import Domain, Images, Pairs, Split, Strata, uniforms
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.spec import Spec, shifted

from .color import Color
from .pixel_shifts import PIXEL_SHIFTS, SINGLE_SEVERITIES
from .renderer import IMAGE_SIZE
from .scene import Key
from .synthetic import balanced_classes

PARTS = ("train", "val", "test")
MIN_SEEN = 2
# Shifts to classes that training never showed, and how many of those they need.
NOVEL, NOVEL_VS_SEEN = "novel", "novel_vs_seen"
CLASS_SHIFTS = {NOVEL: 2, NOVEL_VS_SEEN: 1}
STRATA = ("same, seen", "same, novel", "seen with novel")


@dataclass(frozen=True)
class Bank:
    """Labelled images, each of which belongs to one split.

    Attributes:
        pixels: (N, C, H, W) uint8.
        classes: (N,) int64, index into the names of all classes.
        parts: (N,) int64, index of the image's split in ``PARTS``.
        latents: what else is known of each image, one tensor of N rows per factor.
    """

    pixels: Tensor
    classes: Tensor
    parts: Tensor
    latents: Mapping[str, Tensor] = field(default_factory=dict)


class Part:
    """The images of one split, by class."""

    def __init__(self, bank: Bank, part: int, classes: int) -> None:
        own = (bank.parts == part).nonzero()[:, 0]
        self.images = own[bank.classes[own].argsort(stable=True)]
        self.count = torch.bincount(bank.classes[own], minlength=classes)
        self.first = self.count.cumsum(0) - self.count

    def pick(self, classes: Tensor, u: Tensor) -> Tensor:
        """A random image of each class (N,) from uniform numbers ``u`` (N,), as indices into the bank."""
        return self.images[self.first[classes] + (u * self.count[classes]).long()]

    def pick_two(self, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Random images of both classes from ``u`` (N, 2); of one class, two different ones."""
        a = (u[:, 0] * self.count[class_a]).long()
        # Of the others, counted without the first: those behind it move up by one.
        others = (u[:, 1] * (self.count[class_b] - 1)).long()
        b = torch.where(class_a == class_b, others + (others >= a), (u[:, 1] * self.count[class_b]).long())
        return self.images[self.first[class_a] + a], self.images[self.first[class_b] + b]


class LabelledDomain(Domain):
    """Pairs of labelled images, from a bank in which no image belongs to two splits.

    Half of the pairs are same, spread evenly over the classes; the others are spread evenly over the ordered pairs of
    different classes. The last ``held_out`` classes are in no pair but those of the shifts ``novel`` (these classes
    alone) and ``novel_vs_seen`` (every different pair has one of them). Every image records its ``class`` and
    ``image``, its number in the bank.

    Args:
        names: all classes, those held out last.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
        held_out: number of classes held out.
        size: height and width of the images in pixels.
        params: the other constructor parameters of the subclass, as the user gave them.
    """

    warmup_classes = Color.warmup_classes

    def __init__(
        self, names: tuple[str, ...], shift: str, held_out: int, size: int = IMAGE_SIZE, **params: str | int
    ) -> None:
        if not 0 <= held_out <= len(names) - MIN_SEEN:
            raise UsageError(
                f"{self.name}: held_out={held_out} of {len(names)} classes; "
                f"expected 0 to {len(names) - MIN_SEEN}, so that at least {MIN_SEEN} classes are seen"
            )
        self.names, self.held_out, self.shift = names, held_out, shift
        self.image = MapShape(3, size, size)
        self.shifts = self._class_shifts() | {name: entry.what for name, entry in PIXEL_SHIFTS.items()}
        self._pixel_shift = {**PIXEL_SHIFTS, **SINGLE_SEVERITIES}.get(shift)
        self._check_shift()
        self.classes = {NOVEL: names[self._seen :], NOVEL_VS_SEEN: names}.get(shift, names[: self._seen])
        self.companions = () if shift else self._companions({"held_out": held_out, "size": size, **params})
        self.warmup_domain = "color" if size == IMAGE_SIZE else ""

    @property
    @abstractmethod
    def bank(self) -> Bank:
        """The images of all classes and splits."""

    @property
    def _seen(self) -> int:
        return len(self.names) - self.held_out

    def _class_shifts(self) -> dict[str, str]:
        what = {
            NOVEL: "Held-out classes alone, which no training pair shows",
            NOVEL_VS_SEEN: "Held-out classes beside those of training: every different pair has one of each",
        }
        return {name: what[name] for name, least in CLASS_SHIFTS.items() if self.held_out >= least}

    def _check_shift(self) -> None:
        if not self.shift or self.shift in self.shifts or self._pixel_shift is not None:
            return
        if self.shift in CLASS_SHIFTS:
            raise UsageError(
                f"{self.name}: shift {self.shift!r} needs {CLASS_SHIFTS[self.shift]} held-out classes or more; "
                f"held_out is {self.held_out}"
            )
        raise UsageError(
            f"{self.name}: unknown shift {self.shift!r}; expected one of {', '.join(sorted(self.shifts))}, "
            "or a corruption at one severity, such as noise-3"
        )

    def _companions(self, params: Mapping[str, str | int]) -> tuple[str, ...]:
        """This domain on its held-out classes, so that they are always reported beside those of training."""
        defaults = inspect.signature(type(self)).parameters
        own = {key: value for key, value in params.items() if key in defaults and value != defaults[key].default}
        return tuple(shifted(str(Spec(self.name, own)), shift) for shift in list(self._class_shifts())[:1])

    @cached_property
    def _parts(self) -> dict[str, Part]:
        parts = {name: Part(self.bank, number, len(self.names)) for number, name in enumerate(PARTS)}
        return parts | {"warmup": parts["train"]}

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        class_a, class_b, strata = self._classes_of_pairs(key, n, start)
        first = self._seen if self.shift == NOVEL else 0
        u = uniforms((*key, "images"), start, n, 2)
        chosen_a, chosen_b = self.choose(self._parts[split], first + class_a, first + class_b, u)
        a = self.show(chosen_a, class_a, (*key, "a"), start)
        b = self.show(chosen_b, class_b, (*key, "b"), start)
        if self._pixel_shift is not None:
            pixels_a, pixels_b, strata = self._pixel_shift(a.pixels, b.pixels, key, start)
            a, b = replace(a, pixels=pixels_a), replace(b, pixels=pixels_b)
        return Pairs(a, b, (class_a == class_b).long(), strata)

    def _classes_of_pairs(self, key: Key, n: int, start: int) -> tuple[Tensor, Tensor, Strata | None]:
        if self.shift != NOVEL_VS_SEEN:
            return *balanced_classes(key, start, n, len(self.classes)), None
        novel_a, novel_b = balanced_classes(key, start, n, 2)
        u = uniforms((*key, "classes"), start, n, 2)
        # One seen and one novel class per row, so that both images of a same-pair get the same one.
        drawn = torch.stack([u[:, 0] * self._seen, self._seen + (u[:, 1] * self.held_out).floor()], 1).long()
        row = torch.arange(n)
        return drawn[row, novel_a], drawn[row, novel_b], Strata(STRATA, torch.where(novel_a == novel_b, novel_a, 2))

    def choose(self, part: Part, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Images of the bank for each pair: the two of a same-pair are never the same one."""
        return part.pick_two(class_a, class_b, u)

    def show(self, chosen: Tensor, classes: Tensor, key: Key, start: int) -> Images:
        """The chosen images of the bank, as they are."""
        recorded = {name: values[chosen] for name, values in self.bank.latents.items()}
        return Images(self.bank.pixels[chosen].contiguous(), {"class": classes, "image": chosen, **recorded})

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        """The named shapes of the domain ``color``, in the size of this domain's images."""
        images = Color().draw_named(split, seed, n, start, easy)
        size = (self.image.height, self.image.width)
        if size == tuple(images.pixels.shape[2:]):
            return images
        pixels = F.interpolate(images.pixels.float(), size, mode="bilinear", antialias=True, align_corners=False)
        return Images(pixels.add(0.5).clamp(0, 255).to(torch.uint8), {"class": images.latents["class"]})
