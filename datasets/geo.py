"""The ``geo`` domain: one place on earth in two pictures, aligned or displaced by some pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from bench.domain import Images, Pairs, Split, Strata, register_domain, uniforms
from bench.errors import UsageError
from bench.quarters import QUARTERS

from .bank import PARTS, Bank, Part
from .labelled import LabelledDomain, spread_classes
from .places import BASEMAP, FOLDS, IMAGE_SIZE, LUMA, PIXELS_PER_DEGREE, REACH, part_of_column, read_places
from .scene import Key
from .splits import Splits

DISPLACEMENTS = (0, 2, 4, 8)
MODALITIES = ("cross", "same")
# Share of different pairs that are of neighbours in the order of places.
NEGATIVES = {"mixed": 0.5, "hard": 1.0, "easy": 0.0}
STEPS = (-3, -2, -1, 1, 2, 3)
KINDS = ("same", "different, alike", "different, any")
# With one modality the light differs: a factor for all channels and one for each, and what is added to each.
GAIN, CHANNEL_GAIN, OFFSET = (0.6, 1.4), (0.85, 1.15), 25.0


@register_domain
class Geo(LabelledDomain):
    """A place seen by satellite (A) and on a map of relief (B): is it the same place? Needs ``bench data install``.

    Tiles of two world maps, 32 pixels or 2.1 degrees wide, aligned to the pixel unless displaced: a task on which
    joining the pixels early should win. All places of validation and testing are new, in other bands of longitude; a
    column of tiles beside another split's is left out. Half of the different pairs are of places in one band that are
    about as bright. Places are the classes, named by latitude and longitude; there are no groups.

    Args:
        displacement: how far B lies from A, in a random direction, whatever the label: 0, 2, 4 or 8 pixels.
        modality: ``cross`` for a satellite's picture and relief, ``same`` for two satellite's pictures in other light.
        negatives: ``hard`` different pairs are of places alike, ``easy`` ones of any; ``mixed`` half each.
        gray: whether the images are shades of grey.
        fold: the fold of bands that is for testing, 0 to 3.
        split_seed: of the draw of folds.
        shift: one of ``shifts``, or a corruption at one severity such as ``noise-3``; empty for none.
    """

    name, version = "geo", 1
    needs_files = True
    aligned = True
    packages = (BASEMAP,)

    def __init__(
        self,
        displacement: int = 0,
        modality: str = "cross",
        negatives: str = "mixed",
        gray: bool = False,
        fold: int = 0,
        split_seed: int = 0,
        shift: str = "",
    ) -> None:
        _check("displacement", displacement, DISPLACEMENTS)
        _check("modality", modality, MODALITIES)
        _check("negatives", negatives, tuple(NEGATIVES))
        _check("fold", fold, tuple(range(FOLDS)))
        self._displacement, self._modality = displacement, modality
        self._share_alike, self._gray = NEGATIVES[negatives], gray
        self._places = read_places(self.name)
        splits = self._split(fold, split_seed)
        super().__init__(splits.names, shift, 0, IMAGE_SIZE, splits)

    @property
    def content(self) -> Mapping[str, str]:
        return {"places": self._places.content}

    @property
    def collection(self) -> Tensor | None:
        altered = self._displacement or self._modality == "same"
        return None if altered else super().collection

    def _split(self, fold: int, seed: int) -> Splits:
        tiles = (self._places.arrays[name].tolist() for name in ("row", "column"))
        names = tuple(_named(row, column) for row, column in zip(*tiles, strict=True))
        column = self._places.arrays["column"]
        parts = torch.from_numpy(part_of_column(column, fold, seed)[column])
        new = list(QUARTERS).index("novel")
        quarters = torch.where(parts == PARTS.index("test"), new, -1)
        # One image for each layer.
        classes = torch.arange(len(names)).repeat(2)
        return Splits(names, classes, None, parts.repeat(2), quarters.repeat(2), "novel", 0)

    @cached_property
    def _wide(self) -> Tensor:
        """Tiles of both layers with what lies around them (2 N, 3, S, S) uint8."""
        pixels = torch.from_numpy(self._places.arrays["pixels"]).flatten(0, 1)
        if not self._gray:
            return pixels
        luma = (pixels.double() * torch.from_numpy(LUMA)[:, None, None]).sum(1, keepdim=True)
        return luma.add(0.5).to(torch.uint8).expand(-1, 3, -1, -1)

    @cached_property
    def bank(self) -> Bank:
        assert self.splits is not None
        inner = slice(REACH, REACH + IMAGE_SIZE)
        return Bank(self._wide[:, :, inner, inner], self.splits.classes, self.splits.parts)

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        pairs = super().draw(split, seed, n, start)
        return pairs if pairs.strata is not None else replace(pairs, strata=self._kinds(self._parts[split], pairs))

    def draw_classes(self, key: Key, start: int, n: int, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Places of A and of B; both are spread evenly over ``classes`` whatever the label."""
        a, b = spread_classes(key, start, n, len(classes))
        u = uniforms((*key, "negatives"), start, n, 2)
        alike = (a != b) & (u[:, 0] < self._share_alike)
        step = torch.tensor(STEPS)[(u[:, 1] * len(STEPS)).long()]
        return classes[a], classes[torch.where(alike, (a + step) % len(classes), b)]

    def _kinds(self, part: Part, pairs: Pairs) -> Strata:
        place = part.count.bool().cumsum(0) - 1
        apart = (place[pairs.a.latents["class"]] - place[pairs.b.latents["class"]]).abs()
        apart = torch.minimum(apart, int(part.count.bool().sum()) - apart)
        return Strata(KINDS, (apart > 0).long() + (apart > max(STEPS)).long())

    def choose(self, part: Part, class_a: Tensor, class_b: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        """The satellite's picture of one place and the relief, or the satellite's picture too, of the other."""
        return class_a, class_b + (len(self.names) if self._modality == "cross" else 0)

    def show(self, chosen: Tensor, classes: Tensor, key: Key, start: int) -> Images:
        """The chosen tiles; those of B displaced, and those of one modality in random light."""
        n = len(chosen)
        angle = uniforms((*key, "displacement"), start, n, 1)[:, 0] * (2 * math.pi)
        far = self._displacement if key[-1] == "b" else 0
        dx, dy = ((far * way).round().long() for way in (angle.cos(), angle.sin()))
        inner = REACH + torch.arange(IMAGE_SIZE)
        y, x = (dy[:, None] + inner)[:, :, None], (dx[:, None] + inner)[:, None, :]
        pixels = self._wide[chosen[:, None, None], :, y, x].permute(0, 3, 1, 2).contiguous()
        latents = {"class": classes, "image": chosen, "dx": dx, "dy": dy}
        if self._modality == "same":
            u = uniforms((*key, "light"), start, n, 7)
            gain = _between(u[:, :1], GAIN) * _between(u[:, 1:4], CHANNEL_GAIN)
            offset = _between(u[:, 4:], (-OFFSET, OFFSET))
            if self._gray:
                gain, offset = gain[:, :1].expand(-1, 3), offset[:, :1].expand(-1, 3)
            lit = pixels.double() * gain[:, :, None, None] + offset[:, :, None, None]
            pixels = lit.add(0.5).clamp(0, 255).to(torch.uint8)
            latents |= {"gain": gain.float(), "offset": offset.float()}
        return Images(pixels, latents)


def _between(u: Tensor, bounds: tuple[float, float]) -> Tensor:
    return bounds[0] + u * (bounds[1] - bounds[0])


def _named(row: int, column: int) -> str:
    """Latitude and longitude of the middle of a tile, in degrees."""
    north = 90 - (row + 0.5) * IMAGE_SIZE / PIXELS_PER_DEGREE
    east = (column + 0.5) * IMAGE_SIZE / PIXELS_PER_DEGREE - 180
    return f"{abs(north):.1f}{'S' if north < 0 else 'N'} {abs(east):.1f}{'W' if east < 0 else 'E'}"


def _check(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"geo: {name}={value}; expected one of {', '.join(map(str, allowed))}")
