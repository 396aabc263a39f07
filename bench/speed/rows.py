"""The rows of a speed table: what is measured, under which settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Literal

from bench.backbones import BACKBONES
from bench.errors import LONGEST_VALUE, UsageError
from bench.fusion import FUSIONS
from bench.model import IMAGE, build_fusion, feature_spec
from bench.text import printable

Mode = Literal["infer", "train", "head", "cached"]
MODES: MappingProxyType[Mode, str] = MappingProxyType(
    {
        "infer": "images to scores",
        "train": "one training step as in a sweep",
        "head": "fusion and head on encoded images",
        "cached": "batch x batch comparisons of encoded images",
    }
)
DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16")
ALWAYS = (1, 32)
BEST = "best"


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        dtype: ``bfloat16`` is autocast over float32 weights.
        batch: pairs per call (of ``cached``: images on each side); None is looked for: the batch of the highest rate.
    """

    fusion: str
    backbone: str
    mode: Mode
    batch: int | None
    device: str
    dtype: str
    memory_format: str
    threads: int


@dataclass(frozen=True)
class Axes:
    """What is crossed: every row has one value of each."""

    fusion: tuple[str, ...]
    backbone: tuple[str, ...]
    mode: tuple[Mode, ...]
    batch: tuple[int | None, ...]
    device: tuple[str, ...]
    dtype: tuple[str, ...]
    memory_format: tuple[str, ...]
    threads: tuple[int, ...]

    def rows(self) -> list[Row]:
        """All rows, those that a reader compares next to each other.

        Raises:
            UsageError: an unknown fusion, parameter or backbone.
        """
        fusions = [str(fusion) for fusion in FUSIONS.resolve(self.fusion)]
        backbones = [str(backbone) for backbone in BACKBONES.resolve(self.backbone)]
        for fusion, backbone in product(fusions, backbones):
            _check(fusion, backbone)
        settings = product(backbones, self.mode, self.batch, self.dtype, self.memory_format, self.threads)
        return [
            Row(fusion, backbone, mode, batch, device, dtype, memory_format, threads)
            for backbone, mode, batch, dtype, memory_format, threads in settings
            for fusion in fusions
            for device in self.device
        ]


def batches(text: str) -> tuple[int | None, ...]:
    """Batch sizes from ``1,64,best``: 1 and 32 are always among them, in ascending order; None stands for best."""
    names = {part.strip() for part in text.split(",") if part.strip()}
    sizes = {*ALWAYS, *positive(",".join(names - {BEST}), "--batch", f"or {BEST}")}
    return (*sorted(sizes), *([None] if BEST in names else []))


def positive(text: str, option: str, also: str = "") -> tuple[int, ...]:
    """Whole numbers of 1 to 999,999 from ``1,2,4``; anything else raises ``UsageError``."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    for part in parts:
        if not re.fullmatch("[0-9]{1,6}", part) or int(part) < 1:
            given = printable(repr(part), LONGEST_VALUE)
            raise UsageError(
                " ".join(filter(None, [f"{option} {given}: expected whole numbers of 1 to 999,999", also]))
            )
    return tuple(dict.fromkeys(map(int, parts)))


def _check(fusion: str, backbone: str) -> None:
    """Raise ``UsageError`` for a wrong parameter; whatever else cannot be built is a row with a reason."""
    try:
        build_fusion(FUSIONS.settle(fusion), feature_spec(backbone, IMAGE))
    except UsageError:
        raise
    except Exception:
        # The process that measures the row fails in the same way, and its record keeps the error.
        return
