"""A user's labelled image files: which there are, from a folder or a CSV file, and what they show."""

from __future__ import annotations

import csv
import hashlib
import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from bench.errors import UsageError

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff"}
MIN_SIZE, MAX_SIZE = 16, 256
COLUMNS, OPTIONAL = ("file", "class"), ("group", "split")


@dataclass(frozen=True)
class ImageFiles:
    """Labelled files.

    Attributes:
        where: the user's text, for messages.
        root: folder to which the names of the files are relative.
        files: name of every file.
        classes: class of every file.
        groups: group of every file; None where each is its own.
        splits: the split that the user chose for every file; None where nothing was chosen.
    """

    where: str
    root: Path
    files: tuple[str, ...]
    classes: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    splits: tuple[str, ...] | None = None


def check_size(where: str, size: int) -> None:
    """Raise ``UsageError`` for images that are too small or too large."""
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise UsageError(f"{where}: size={size}; expected {MIN_SIZE} to {MAX_SIZE} pixels")


@cache
def list_files(path: Path) -> ImageFiles:
    """The files of a folder of class folders, or of a CSV file with the columns ``file``, ``class`` and, as one likes,
    ``group`` and ``split``.

    Raises:
        UsageError: there is nothing at ``path``, no image, or a row of the CSV file that cannot be used.
    """
    where = f"folder {path}"
    if path.is_dir():
        return _list_folder(where, path)
    if path.is_file() and path.suffix.lower() == ".csv":
        return _list_csv(where, path)
    found = "is no folder and no CSV file" if path.exists() else "does not exist"
    raise UsageError(
        f"{where} {found}; expected a folder of class folders, or a CSV file with the columns file, class and "
        "(optional) group and split"
    )


def _list_folder(where: str, root: Path) -> ImageFiles:
    found = sorted(
        file.relative_to(root)
        for file in root.glob("*/**/*")
        if file.suffix.lower() in SUFFIXES and file.is_file() and _is_shown(file.relative_to(root))
    )
    if not found:
        endings = ", ".join(sorted(SUFFIXES))
        raise UsageError(f"{where}: no images found; expected one folder per class with files ending in {endings}")
    files = tuple(file.as_posix() for file in found)
    return ImageFiles(where, root, files, tuple(file.parts[0] for file in found))


def _is_shown(name: Path) -> bool:
    """Whether neither the file nor a folder on the way is hidden, as those of thumbnails are."""
    return not any(part.startswith(".") for part in name.parts)


def _list_csv(where: str, path: Path) -> ImageFiles:
    rows = read_rows(where, path, COLUMNS, OPTIONAL)
    for line, row in rows:
        if not (path.parent / row["file"]).is_file():
            raise UsageError(f"{where}: row {line}: no file {row['file']} in {path.parent}")
    found = {column: tuple(row[column] for _, row in rows) for column in rows[0][1]}
    return ImageFiles(where, path.parent, found["file"], found["class"], found.get("group"), found.get("split"))


def read_rows(
    where: str, path: Path, columns: Sequence[str], optional: Sequence[str]
) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers: ``columns``, and what there is of those that are ``optional``.

    Raises:
        UsageError: a column or a value is missing, there is no row, or the file cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            found, rows = list(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{where}: not a readable CSV file in UTF-8 ({error})") from None
    missing = [column for column in columns if column not in found]
    if missing:
        raise UsageError(
            f"{where}: no column {' and no column '.join(missing)}; expected {','.join(columns)} and (optional) "
            f"{' and '.join(optional)} in the first line, found {', '.join(found) or 'nothing'}"
        )
    needed = [column for column in (*columns, *optional) if column in found]
    for line, row in rows:
        empty = [column for column in needed if not row[column]]
        if empty:
            raise UsageError(f"{where}: row {line} has no {empty[0]}")
    if not rows:
        what = "images found; expected a row per image" if "file" in columns else "pairs found; expected a row per pair"
        raise UsageError(f"{where}: no {what} below the column names")
    return [(line, {column: row[column] for column in needed}) for line, row in rows]


@cache
def read_images(listed: ImageFiles, size: int) -> tuple[Tensor, str]:
    """Pixels of every file and the hash of all contents, names, classes, groups and splits.

    Returns:
        The middle square of every image, scaled to (N, 3, size, size) uint8, and 16 hex digits.

    Raises:
        UsageError: a file is no readable image, or a copy of another one.
    """
    whole = hashlib.sha256()
    known: dict[str, str] = {}
    pixels = np.empty((len(listed.files), size, size, 3), np.uint8)
    told = [column for column in (listed.classes, listed.groups or listed.files, listed.splits) if column]
    for number, (name, *labels) in enumerate(zip(listed.files, *told, strict=True)):
        content = (listed.root / name).read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        if digest in known:
            raise UsageError(
                f"{listed.where}: {name} and {known[digest]} are the same image; keep one of them, "
                "or training and test images would coincide"
            )
        known[digest] = name
        whole.update("\0".join((name, *labels, digest, "")).encode())
        pixels[number] = _decoded(content, size, f"{listed.where}: {name}")
    return torch.from_numpy(pixels).permute(0, 3, 1, 2), whole.hexdigest()[:16]


@cache
def read_facts(listed: ImageFiles) -> Mapping[str, Tensor]:
    """What the files tell beside their pixels, (N,) float64 each: bytes, width, height, number of the format, and the
    mean of the quantisation table, which rises as the quality of a JPEG file falls."""
    table = np.zeros((len(listed.files), 5))
    formats: dict[str | None, int] = {}
    for number, name in enumerate(listed.files):
        file = listed.root / name
        with Image.open(file) as image:
            steps = getattr(image, "quantization", None) or {0: [0]}
            kind = formats.setdefault(image.format, len(formats))
            table[number] = file.stat().st_size, *image.size, kind, np.mean(steps[min(steps)])
    names = ("bytes", "width", "height", "format", "quantisation")
    return {name: torch.from_numpy(column) for name, column in zip(names, table.T.copy(), strict=True)}


def _decoded(content: bytes, size: int, where: str) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(content)) as image:
            # JPEG files are decoded at a fraction of their size, which is much faster.
            image.draft(None, (2 * size, 2 * size))
            if image.mode.startswith(("I", "F")) or any(_is_deep(str(tile[3])) for tile in image.tile):
                raise UsageError(f"{where} has more than 8 bits per channel; expected an image with 8 bits")
            upright = _on_white(ImageOps.exif_transpose(image))
            return np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.BICUBIC))
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        struct.error,
        Image.DecompressionBombError,
    ) as error:
        raise UsageError(f"{where} is not a readable image ({str(error).splitlines()[0]})") from None


def _is_deep(raw: str) -> bool:
    """Whether channels of a raw mode of Pillow have 16 bits each: BGR;16 has them together."""
    return ";16" in raw and "BGR;16" not in raw


def _on_white(image: Image.Image) -> Image.Image:
    """In colours; what is transparent is white, whatever colours a file has there."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
