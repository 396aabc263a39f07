"""Arrays that are rendered from packages once and kept in the cache by the hash of all that they depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.atomic import remove_stale, write_bytes_atomically
from bench.cache_folder import cache_folder

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Rendered:
    """Arrays by name, and ``content``: SHA-256 of their names, types, shapes and bytes."""

    arrays: Arrays
    content: str


def rendered(identity: Mapping[str, Any], render: Callable[[], Arrays]) -> Rendered:
    """What ``render`` returns, from the cache where it was kept.

    Args:
        identity: all that the arrays depend on, as JSON: digests of packages, versions of code, parameters.
        render: called where nothing is kept, or what is kept is damaged. Arrays of numbers and of text, no objects.

    Raises:
        StorageError: it cannot be kept.
    """
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]
    path = cache_folder() / "rendered" / f"{key}.npz"
    found = _read(path, *_state(path))
    if found is None:
        arrays = render()
        buffer = BytesIO()
        np.savez_compressed(buffer, **{**arrays, CONTENT: np.array(_content(arrays))})  # type: ignore[arg-type]
        write_bytes_atomically(path, buffer.getvalue())
        remove_stale(path.parent)
        found = _read(path, *_state(path))
        assert found is not None
    return found


CONTENT = "content_sha256"


def _state(path: Path) -> tuple[int, int, int]:
    """What changes with a file; zeros where there is none."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0, 0
    return state.st_ino, state.st_size, state.st_ctime_ns


@lru_cache(maxsize=8)
def _read(path: Path, *state: int) -> Rendered | None:
    """A kept file in one state; None where there is none or its arrays are not those that were written."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except Exception:
        # A damaged archive raises whatever its first wrong byte leads to.
        return None
    stated = str(arrays.pop(CONTENT, ""))
    return Rendered(arrays, stated) if stated == _content(arrays) else None


def _content(arrays: Arrays) -> str:
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
