"""What domains of labelled images share: splits by image, balanced pairs, held-out classes, shifts, the warm-up."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.domain import Domain, Images, Pairs, Split, Strata, uniforms
from bench.errors import UsageError
from bench.fusion import MapShape
from bench.quarters import QUARTERS
from bench.spec import Spec, shifted

from .bank import MIN_IMAGES, PARTS, Bank, Part
from .color import Color
from .pixel_shifts import PIXEL_SHIFTS, SINGLE_SEVERITIES, PixelShift
from .renderer import IMAGE_SIZE
from .scene import Key
from .splits import Splits
from .synthetic import balanced_classes

MIN_SEEN = 2
# Shifts to classes that training never showed, and how many of those they need.
NOVEL, NOVEL_VS_SEEN = "novel", "novel_vs_seen"
CLASS_SHIFTS = {NOVEL: 2, NOVEL_VS_SEEN: 1}
STRATA = ("same, seen", "same, novel", "seen with novel")
WHAT = {
    NOVEL: "Held-out classes alone, which no training pair shows",
    NOVEL_VS_SEEN: "Held-out classes beside those of training: every different pair has one of each",
}
# More classes have too many ordered pairs for a table of them.
MOST_IN_TABLE = 128


def pixel_shift_of(shift: str) -> PixelShift | None:
    """The corruption of that name, None for a shift of another kind."""
    return {**PIXEL_SHIFTS, **SINGLE_SEVERITIES}.get(shift)


def unknown_shift(domain: str, shift: str, known: Iterable[str]) -> str:
    """What is said of a shift that a domain does not have."""
    return (
        f"{domain}: unknown shift {shift!r}; expected one of {', '.join(sorted(known))}, or a corruption at one "
        "severity, such as noise-3"
    )


def named_shapes(image: MapShape, split: Split, seed: int, n: int, start: int, easy: bool) -> Images:
    """The named shapes of the domain ``color`` in images of another size."""
    images = Color().draw_named(split, seed, n, start, easy)
    size = (image.height, image.width)
    if size == tuple(images.pixels.shape[2:]):
        return images
    pixels = F.interpolate(images.pixels.float(), size, mode="bilinear", antialias=True, align_corners=False)
    return Images(pixels.add(0.5).clamp(0, 255).to(torch.uint8), {"class": images.latents["class"]})


def spread_classes(key: Key, start: int, n: int, k: int) -> tuple[Tensor, Tensor]:
    """Classes of A and B where there are too many for :func:`balanced_classes`: of two neighbouring pairs one is same,
    and all classes and all ordered pairs of different ones are equally likely.

    Returns:
        Two (n,) int64 tensors.
    """
    first, last = start // 2, (start + n - 1) // 2
    u = uniforms((*key, "spread"), first, last - first + 1, 4)
    same, one = (u[:, :2].T * k).long()
    other = (one + 1 + (u[:, 2] * (k - 1)).long()) % k
    a, b = torch.stack([same, one], 1), torch.stack([same, other], 1)
    swapped = (u[:, 3] < 0.5)[:, None]
    rows = slice(start - 2 * first, start - 2 * first + n)
    a, b = (torch.where(swapped, side.flip(1), side).flatten()[rows] for side in (a, b))
    return a, b


class LabelledDomain(Domain):
    """Pairs of labelled images, from a bank in which no image belongs to two splits.

    Half of the pairs are same, spread evenly over the classes; the others are spread evenly over the ordered pairs of
    different classes. The last ``held_out`` classes are in no pair but those of the shifts ``novel`` (these classes
    alone) and ``novel_vs_seen`` (every different pair has one of them). Every image records its ``class`` and
    ``image``, its number in the bank.

    With ``splits`` every quarter of the 2 x 2 of seen and new classes and groups that has pairs is a shift; its
    training and validation pairs are those of the domain itself. A class is in the pairs of a part where that has two
    images of it.

    A subclass may say which classes are :meth:`usable`, how the classes of a pair are drawn (:meth:`draw_classes`) and
    which images show them (:meth:`choose`).

    Args:
        names: all classes, those held out last.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
        held_out: number of classes held out; with ``splits`` theirs counts.
        size: height and width of the images in pixels.
        splits: where each image is; without, ``bank.parts`` says it and there are no groups.
        params: the other constructor parameters of the subclass, as the user gave them.
    """

    warmup_classes = Color.warmup_classes
    # Which quarters the test pairs are of without ``splits``, by shift.
    quarter_of: Mapping[str, str] = MappingProxyType({"": "seen", NOVEL: "novel"})
    # Uniform numbers per pair that :meth:`choose` takes.
    choice_columns = 2

    def __init__(
        self,
        names: tuple[str, ...],
        shift: str,
        held_out: int,
        size: int = IMAGE_SIZE,
        splits: Splits | None = None,
        **params: str | int,
    ) -> None:
        if not 0 <= held_out <= len(names) - MIN_SEEN:
            raise UsageError(
                f"{self.name}: held_out={held_out} of {len(names)} classes; "
                f"expected 0 to {len(names) - MIN_SEEN}, so that at least {MIN_SEEN} classes are seen"
            )
        self.names, self.held_out, self.shift, self.splits = names, held_out, shift, splits
        self.image = MapShape(3, size, size)
        named_shifts = self._class_shifts() if splits is None else self._quarter_shifts(splits)
        self.shifts = named_shifts | {name: entry.what for name, entry in PIXEL_SHIFTS.items()}
        self._pixel_shift = pixel_shift_of(shift)
        self._check_shift()
        self.classes = self._shown_names()
        if splits is None:
            self.quarter = self.quarter_of.get(shift, "")
        else:
            self.quarter = splits.own if not shift else shift if shift in QUARTERS else ""
        self.companions = () if shift else self._companions({"held_out": held_out, "size": size, **params})
        self.warmup_domain = "color" if size == IMAGE_SIZE else ""

    @property
    @abstractmethod
    def bank(self) -> Bank:
        """The images of all classes and splits."""

    @property
    def collection(self) -> Tensor | None:
        return self.bank.pixels if self._pixel_shift is None else None

    @property
    def _seen(self) -> int:
        return len(self.names) - self.held_out

    @property
    def _in_quarter(self) -> bool:
        return self.splits is not None and self.shift in QUARTERS

    def _shown_names(self) -> tuple[str, ...]:
        if self.shift == NOVEL_VS_SEEN or self._in_quarter:
            return self.names
        return self.names[self._seen :] if self.shift == NOVEL else self.names[: self._seen]

    def _class_shifts(self) -> dict[str, str]:
        return {name: WHAT[name] for name, least in CLASS_SHIFTS.items() if self.held_out >= least}

    def _quarter_shifts(self, splits: Splits) -> dict[str, str]:
        """The quarters that have pairs, and ``novel_vs_seen`` where the domain itself shows seen classes."""
        found = {
            name: what[0].upper() + what[1:]
            for name, what in QUARTERS.items()
            if name != splits.own and int(self.usable(self._part(splits.in_quarter(name))).sum()) >= MIN_SEEN
        }
        if self.held_out:
            found[NOVEL_VS_SEEN] = WHAT[NOVEL_VS_SEEN]
        return found

    def _check_shift(self) -> None:
        if not self.shift or self.shift in self.shifts or self._pixel_shift is not None:
            return
        if self.splits is None and self.shift in CLASS_SHIFTS:
            raise UsageError(
                f"{self.name}: shift {self.shift!r} needs {CLASS_SHIFTS[self.shift]} held-out classes or more; "
                f"held_out is {self.held_out}"
            )
        if self.splits is not None and self.shift in (*QUARTERS, NOVEL_VS_SEEN):
            own = f"the domain itself is tested on {QUARTERS[self.shift]}"
            none = f"these images hold no pairs of {QUARTERS.get(self.shift, 'held-out classes beside seen ones')}"
            raise UsageError(f"{self.name}: shift {self.shift!r}: {own if self.shift == self.splits.own else none}")
        raise UsageError(unknown_shift(self.name, self.shift, self.shifts))

    def _companions(self, params: Mapping[str, str | int]) -> tuple[str, ...]:
        """This domain on classes and groups that training never shows, so that they are always reported beside its
        own; one is enough of shifts that are no quarters."""
        defaults = inspect.signature(type(self)).parameters
        own = {key: value for key, value in params.items() if key in defaults and value != defaults[key].default}
        if self.splits is None:
            chosen = list(self._class_shifts())[:1]
        else:
            offered = self._quarter_shifts(self.splits)
            new = {self.splits.own, *offered} & {"novel", "novel_both"}
            chosen = [name for name in offered if name != NOVEL_VS_SEEN or not new]
        return tuple(shifted(str(Spec(self.name, own)), shift) for shift in chosen)

    def _part(self, chosen: Tensor) -> Part:
        assert self.splits is not None
        return Part(chosen, self.splits.classes, len(self.names), self.splits.groups)

    @cached_property
    def _parts(self) -> dict[str, Part]:
        if self.splits is None:
            chosen = {name: self.bank.parts == number for number, name in enumerate(PARTS)}
            parts = {name: Part(own, self.bank.classes, len(self.names)) for name, own in chosen.items()}
        else:
            parts = {name: self._part(self.splits.parts == number) for number, name in enumerate(PARTS)}
            if self.shift in QUARTERS:
                parts["test"] = self._part(self.splits.in_quarter(self.shift))
            elif self.shift == NOVEL_VS_SEEN:
                beside = "novel" if self.splits.own == "seen" else "novel_both"
                parts["test"] = self._part((self.splits.parts == PARTS.index("test")) | self.splits.in_quarter(beside))
        return parts | {"warmup": parts["train"]}

    def usable(self, part: Part) -> Tensor:
        """Which classes (classes,) bool have the images for pairs in a part."""
        return part.count >= MIN_IMAGES

    def _usable_classes(self, part: Part) -> Tensor:
        """Numbers (K,) of the classes that the pairs of a part show."""
        if self.splits is not None:
            return self.usable(part).nonzero()[:, 0]
        if self.shift == NOVEL_VS_SEEN:
            return torch.arange(len(self.names))
        return torch.arange(self._seen, len(self.names)) if self.shift == NOVEL else torch.arange(self._seen)

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        key = (self.name, self.version, split, int(seed))
        part = self._parts[split]
        class_a, class_b, strata = self._classes_of_pairs(key, n, start, self._usable_classes(part))
        u = uniforms((*key, "images"), start, n, self.choice_columns)
        chosen_a, chosen_b = self.choose(part, class_a, class_b, u)
        first = self._seen if self.splits is None and self.shift == NOVEL else 0
        # A different image may have been chosen of another class than was drawn.
        class_a, class_b = (self.bank.classes[chosen] - first for chosen in (chosen_a, chosen_b))
        a = self.show(chosen_a, class_a, (*key, "a"), start)
        b = self.show(chosen_b, class_b, (*key, "b"), start)
        if self._pixel_shift is not None:
            pixels_a, pixels_b, strata = self._pixel_shift(a.pixels, b.pixels, key, start)
            a, b = replace(a, pixels=pixels_a), replace(b, pixels=pixels_b)
        return Pairs(a, b, (class_a == class_b).long(), strata)

    def _classes_of_pairs(self, key: Key, n: int, start: int, classes: Tensor) -> tuple[Tensor, Tensor, Strata | None]:
        seen, novel = classes[classes < self._seen], classes[classes >= self._seen]
        if self.shift != NOVEL_VS_SEEN or not len(novel):
            return *self.draw_classes(key, start, n, classes), None
        novel_a, novel_b = balanced_classes(key, start, n, 2)
        u = uniforms((*key, "classes"), start, n, 2)
        # One seen and one novel class per row, so that both images of a same-pair get the same one.
        drawn = [of[(u[:, column] * len(of)).long()] for column, of in enumerate((seen, novel))]
        both, row = torch.stack(drawn, 1), torch.arange(n)
        return both[row, novel_a], both[row, novel_b], Strata(STRATA, torch.where(novel_a == novel_b, novel_a, 2))

    def draw_classes(self, key: Key, start: int, n: int, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Classes (n,) of A and of B of pairs ``start`` to ``start + n``, out of ``classes`` (K,): of every two
        neighbouring pairs one is same."""
        few = len(classes) <= MOST_IN_TABLE
        a, b = (balanced_classes if few else spread_classes)(key, start, n, len(classes))
        return classes[a], classes[b]

    def choose(self, part: Part, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """Images of the bank for each pair: the two of a same-pair are never the same one."""
        return part.pick_two(class_a, class_b, u)

    def show(self, chosen: Tensor, classes: Tensor, key: Key, start: int) -> Images:
        """The chosen images of the bank, as they are."""
        recorded = {name: values[chosen] for name, values in self.bank.latents.items()}
        return Images(self.bank.pixels[chosen].contiguous(), {"class": classes, "image": chosen, **recorded})

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        """The named shapes of the domain ``color``, in the size of this domain's images."""
        return named_shapes(self.image, split, seed, n, start, easy)
