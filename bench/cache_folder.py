"""Where fusebench keeps what is computed or fetched once: warm-ups, installed packages, rendered images."""

from __future__ import annotations

import os
from pathlib import Path

from bench.errors import StorageError, UsageError


def cache_folder() -> Path:
    """The cache: ``$FUSEBENCH_CACHE`` or ``~/.cache/fusebench``.

    Raises:
        UsageError: there is something else in its place.
    """
    folder = Path(os.environ.get("FUSEBENCH_CACHE") or Path.home() / ".cache" / "fusebench")
    try:
        there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    except OSError as error:
        raise StorageError.of(folder, error) from error
    if not there.is_dir():
        raise UsageError(f"{folder}: the cache needs a folder, and {there} is none; set FUSEBENCH_CACHE")
    return folder
