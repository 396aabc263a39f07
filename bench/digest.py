"""SHA-256 of files, each hashed once in a process while it does not change."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hex; raises ``OSError`` where it cannot be read."""
    state = path.stat()
    return _hashed(path.resolve(), state.st_ino, state.st_size, state.st_ctime_ns)


@lru_cache(maxsize=256)
def _hashed(path: Path, *state: int) -> str:
    """Of a file in one state, whose time of change nobody can set."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
