"""A fixed set of pairs as files: an image each, and a CSV file that pairs them with labels and latents."""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from bench.atomic import make_folder, temporary_beside
from bench.domain import Domain, Images, Pairs, Split
from bench.errors import StorageError, UsageError
from bench.markup import csv_text
from bench.text import without_home

LIST, IMAGES = "pairs.csv", "images"
CHUNK = 1024
LABELS = "different", "same"


@dataclass(frozen=True)
class FixedSet:
    """What was written: the list, how many pairs and images, and how many drawn pairs a list has no use for, since they
    repeat another or pair an image with itself."""

    file: Path
    pairs: int
    images: int
    left_out: int


def export_pairs(domain: Domain, splits: Sequence[Split], seed: int, n: int, out: Path) -> FixedSet:
    """Write the first ``n`` pairs of each split into a folder, which appears when it is complete.

    Images are PNG files, each distinct one once: their pixels are those of the domain. The list has the columns a, b
    and label, ``split`` where there are several, ``stratum`` where the domain tells kinds of pairs apart, and the
    latents of both images, such as ``a_radius``; masks are left out.

    Raises:
        UsageError: there is something at ``out`` already.
        StorageError: the disk is full, or the folder cannot be written to.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{without_home(str(out))}: is not empty; expected a new folder, --out DIR")
    make_folder(out.parent)
    temporary = temporary_beside(out)
    try:
        found = _Writer(temporary, domain, len(splits) > 1).write(splits, seed, n)
        temporary.replace(out)
    except OSError as error:
        raise StorageError.of(out, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return FixedSet(out / LIST, *found)


class _Writer:
    """Writes images as they come, and rows once all are known.

    Args:
        names_splits: whether each row tells its split.
    """

    def __init__(self, folder: Path, domain: Domain, names_splits: bool) -> None:
        self._folder, self._domain, self._names_splits = folder, domain, names_splits
        self._files: dict[bytes, str] = {}
        self._rows: dict[frozenset[str], dict[str, str]] = {}

    def write(self, splits: Sequence[Split], seed: int, n: int) -> tuple[int, int, int]:
        """Returns the number of pairs, of images and of pairs left out."""
        for split in splits:
            (self._folder / IMAGES / split).mkdir(parents=True)
            for start in range(0, n, CHUNK):
                drawn = self._domain.draw(split, seed, min(CHUNK, n - start), start)
                for row in self._rows_of(split, start, drawn):
                    ends = frozenset((row["a"], row["b"]))
                    if len(ends) == 2:
                        self._rows.setdefault(ends, row)
        text = io.StringIO()
        rows = csv.DictWriter(text, list(next(iter(self._rows.values()), {"a": "", "b": "", "label": ""})))
        rows.writeheader()
        rows.writerows(self._rows.values())
        (self._folder / LIST).write_text(text.getvalue(), encoding="utf-8")
        return len(self._rows), len(self._files), n * len(splits) - len(self._rows)

    def _rows_of(self, split: Split, start: int, drawn: Pairs) -> Iterator[dict[str, str]]:
        names = [self._stored(f"{split}/{{:06d}}{side}.png", start, images) for side, images in self._sides(drawn)]
        columns = {"a": names[0], "b": names[1], "label": [LABELS[label] for label in drawn.label.tolist()]}
        if self._names_splits:
            columns["split"] = [split] * len(drawn)
        if drawn.strata is not None:
            columns["stratum"] = [drawn.strata.names[index] for index in drawn.strata.index.tolist()]
        for side, images in self._sides(drawn):
            columns |= {f"{side}_{name}": values for name, values in self._latents(images)}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def _sides(self, drawn: Pairs) -> tuple[tuple[str, Images], ...]:
        return ("a", drawn.a), ("b", drawn.b)

    def _stored(self, pattern: str, start: int, images: Images) -> list[str]:
        """Names of the files of images, which are written where they are new."""
        return [
            self._file_of(f"{IMAGES}/{pattern.format(number)}", pixels)
            for number, pixels in enumerate(images.pixels.permute(0, 2, 3, 1).contiguous().numpy(), start)
        ]

    def _file_of(self, name: str, pixels: NDArray[np.uint8]) -> str:
        known = self._files.setdefault(hashlib.sha256(pixels.tobytes()).digest(), name)
        if known == name:
            # One channel is a grey picture.
            Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(self._folder / name)
        return known

    def _latents(self, images: Images) -> Iterator[tuple[str, list[str]]]:
        """A column for every latent that is a number or a few: the class by its name."""
        for name, values in images.latents.items():
            if name == "class":
                yield name, [csv_text(self._domain.classes[index]) for index in values.tolist()]
            elif values.ndim == 1:
                yield name, _numbers(values)
            elif values.ndim == 2:
                yield from ((f"{name}_{place}", _numbers(column)) for place, column in enumerate(values.T))


def _numbers(values: Tensor) -> list[str]:
    """As text that is read as the same number again."""
    if values.is_floating_point():
        return [f"{value:.9g}" for value in values.tolist()]
    return [str(int(value)) for value in values.tolist()]
