"""One process at a time computes a warm-up; the others wait, and say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path

from filelock import FileLock, Timeout

from bench.atomic import make_folder
from bench.errors import StorageError

# Seconds of waiting in silence, before it is said first and again.
PATIENCE, REMINDER = 30.0, 600.0


@contextmanager
def locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be. A holder that is killed gives it up.

    Args:
        say: told where another process has held it for long.

    Raises:
        StorageError: the file cannot be made.
    """
    lock = FileLock(path)
    make_folder(path.parent)
    try:
        # Where it cannot be made, FileLock might try for ever.
        path.touch()
        for patience in chain([PATIENCE], repeat(REMINDER)):
            try:
                lock.acquire(timeout=patience)
                break
            except Timeout:
                say(f"another process is at work and holds {path}; waiting for it")
    except OSError as error:
        raise StorageError.of(path, error) from error
    try:
        yield
    finally:
        lock.release()
