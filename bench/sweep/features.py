"""Encodings of a whole collection of images: computed once, kept on disk, and shared by all fusions, seeds and workers.

A file is found by what the encodings depend on: the pixels, the weights of the layers that they go through, and how
both are computed. So backbones that only differ behind those layers, such as in the seed of their embedding, share it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from torch import Tensor, nn

from bench.atomic import remove_stale, write_atomically, write_text_atomically
from bench.cache_folder import cache_folder
from bench.digest import file_sha256
from bench.fusion import MapShape
from bench.kept import DamagedError, kept
from bench.sweep.cache import Cache

VERSION = 1
# One file, such as the maps (320, 4, 4) of 100,000 images; all files together.
LARGEST_BYTES, ALL_BYTES = 2 * 2**30, 8 * 2**30
ARRAY, CARD = ".npy", ".json"
Identity = Mapping[str, Any]

# Files that this process has checked and mapped.
_opened: Cache[Tensor] = Cache(16)


class Card(BaseModel):
    """What vouches for a file of encodings; it is written last."""

    model_config = ConfigDict(strict=True, frozen=True)

    identity: dict[str, Any]
    sha256: str


def fits(images: int, shape: MapShape) -> bool:
    """Whether float32 maps of that shape for each of ``images`` images are kept."""
    return 4 * images * shape.channels * shape.height * shape.width <= LARGEST_BYTES


def digest(modules: Iterable[nn.Module]) -> str:
    """SHA-256 over parameters and buffers, by what they are and not where they came from."""
    found = hashlib.sha256()
    for module in modules:
        for name, value in module.state_dict().items():
            found.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
            found.update(value.detach().cpu().contiguous().numpy().tobytes())
        found.update(b"|")
    return found.hexdigest()


def stored(
    identity: Identity, images: int, batches: Callable[[], Iterable[Tensor]], say: Callable[[str], None]
) -> Tensor:
    """The encodings (N, ...) float32 of N ``images``, mapped into memory: computed by ``batches``, one part after
    the other, where they are not kept yet or damaged.

    Args:
        say: told in a line which file is damaged, or that another process is waited for.

    Raises:
        StorageError: they cannot be kept.
    """
    text = json.dumps({**identity, "version": VERSION}, sort_keys=True)
    key, whole = hashlib.sha256(text.encode()).hexdigest()[:16], json.loads(text)
    return _opened.get(key, lambda: _open(_folder() / (key + ARRAY), whole, images, batches, say))


def _folder() -> Path:
    return cache_folder() / "features"


def _open(
    file: Path, identity: Identity, images: int, batches: Callable[[], Iterable[Tensor]], say: Callable[[str], None]
) -> Tensor:
    def compute() -> Tensor:
        _write(file, identity, images, batches())
        found = _read(file, identity)
        assert found is not None
        return found

    card = file.with_suffix(CARD)
    return kept(card, lambda: _read(file, identity), compute, "the images are encoded again", say)


def _read(file: Path, identity: Identity) -> Tensor | None:
    card = file.with_suffix(CARD)
    try:
        if not card.is_file():
            return None
        told = Card.model_validate_json(card.read_bytes())
        if not file.is_file():
            raise DamagedError(f"{file}: missing")
        if told.identity != identity or file_sha256(file) != told.sha256:
            raise DamagedError(f"{file}: not the encodings of which {card.name} has the SHA-256")
        # Copied where it is written to, so that nothing can change the file.
        mapped = torch.from_numpy(np.load(file, mmap_mode="c", allow_pickle=False))
        os.utime(card)
    except ValidationError:
        raise DamagedError(f"{card}: no card of encodings") from None
    except (OSError, ValueError) as error:
        raise DamagedError(f"{file}: {error}") from None
    return mapped


def _write(file: Path, identity: Identity, images: int, batches: Iterable[Tensor]) -> None:
    """Write the encodings part by part, and then the card; what was used longest ago makes room."""
    remove_stale(file.parent)
    rows = (batch.float().cpu().contiguous().numpy() for batch in batches)
    write_atomically(file, lambda temporary: _fill(temporary, images, rows))
    _make_room(file)
    card = Card(identity=dict(identity), sha256=file_sha256(file))
    write_text_atomically(file.with_suffix(CARD), card.model_dump_json())


def _fill(path: Path, images: int, rows: Iterable[np.ndarray[Any, Any]]) -> None:
    # Written and not mapped: on a full disk a map ends the process.
    with path.open("wb") as out:
        for number, part in enumerate(rows):
            if not number:
                shape = images, *part.shape[1:]
                np.lib.format.write_array_header_1_0(out, {"descr": "<f4", "fortran_order": False, "shape": shape})
            out.write(part.tobytes())


def _make_room(newest: Path) -> None:
    """Remove what was used longest ago while all files together are too large. Who has one mapped keeps it."""
    try:
        cards = sorted(newest.parent.glob(f"*{CARD}"), key=lambda card: card.stat().st_mtime)
        total = sum(file.stat().st_size for file in newest.parent.glob(f"*{ARRAY}"))
    except OSError:
        return  # another process makes room as well
    for card in cards:
        file = card.with_suffix(ARRAY)
        if total > ALL_BYTES and file != newest:
            with suppress(OSError):
                size = file.stat().st_size
                card.unlink()
                file.unlink()
                total -= size
