"""Shifts that change finished images, whatever drew them: corruptions of both images or of B alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from bench.domain import BLOCK, Strata, uniforms

from .corruptions import GRADED, SEVERITIES, SWEPT_NOISE, Corruption, greyscale, swept_noise
from .scene import Key

COLUMNS = 3 * 32 * 32
ONLY_B = ("noise", "blur", "contrast")


@dataclass(frozen=True)
class PixelShift:
    """A corruption with the severities it is drawn from and their names, of both images or of B alone."""

    what: str
    corruption: Corruption
    severities: tuple[int, ...] = (0,)
    names: tuple[str, ...] = ("",)
    sides: tuple[str, ...] = ("a", "b")

    def __call__(self, a: Tensor, b: Tensor, key: Key, start: int) -> tuple[Tensor, Tensor, Strata | None]:
        """Corrupt pairs of uint8 images (N, 3, H, W); both images of a pair have the same severity."""
        drawn = uniforms((*key, "shift", "severity"), start, len(a), 1)[:, 0]
        index = (drawn * len(self.severities)).long()
        severity = torch.tensor(self.severities)[index]
        images = {"a": a, "b": b}
        for side in self.sides:
            images[side] = self._corrupt(images[side], severity, (*key, "shift", side), start)
        return images["a"], images["b"], Strata(self.names, index) if len(self.names) > 1 else None

    def _corrupt(self, images: Tensor, severity: Tensor, key: Key, start: int) -> Tensor:
        parts = []
        # Larger images take several rows of numbers, so that a block of them never takes more memory.
        rows_each = -(-images[0].numel() // COLUMNS)
        chunk = max(1, BLOCK // rows_each)
        for first in range(0, len(images), chunk):
            rows = slice(first, first + chunk)
            x = images[rows].float() / 255
            u = uniforms(key, (start + first) * rows_each, len(x) * rows_each, COLUMNS)
            u = u.view(len(x), -1)[:, : x[0].numel()].view(x.shape)
            changed = self.corruption(x, severity[rows], u)
            parts.append((changed.clamp(0, 1) * 255 + 0.5).to(torch.uint8))
        return torch.cat(parts)


def _graded(name: str, severities: tuple[int, ...], which: str, sides: tuple[str, ...] = ("a", "b")) -> PixelShift:
    summary = (GRADED[name].__doc__ or "").partition(".")[0]
    names = tuple(f"severity {level + 1}" for level in severities)
    return PixelShift(f"{summary}, {which}", GRADED[name], severities, names, sides)


_ALL = tuple(range(SEVERITIES))
_SWEEP = PixelShift(
    "Gaussian noise of eight deviations, for a psychometric curve",
    swept_noise,
    tuple(range(len(SWEPT_NOISE))),
    tuple(f"noise {deviation:g}" for deviation in SWEPT_NOISE),
)
PIXEL_SHIFTS: Mapping[str, PixelShift] = MappingProxyType(
    {"greyscale": PixelShift("Grey in place of colours", greyscale), "sweep_noise": _SWEEP}
    | {name: _graded(name, _ALL, "five severities mixed") for name in GRADED}
    | {f"{name}-b": _graded(name, _ALL, "five severities mixed, only in B", ("b",)) for name in ONLY_B}
)
# One severity alone; not part of ``--eval all``, which mixes the five.
SINGLE_SEVERITIES: Mapping[str, PixelShift] = MappingProxyType(
    {f"{name}-{level + 1}": _graded(name, (level,), f"severity {level + 1}") for name in GRADED for level in _ALL}
)
