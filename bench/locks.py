"""Locks: one process at a time may write a file, and whoever looks can see which files are being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.atomic import make_folder
from bench.errors import StorageError, UsageError


def lock_of(path: Path) -> Path:
    """The lock of ``path``: an empty file beside it that stays, as who waits for it must find the same one."""
    return path.with_name(f".{path.name}.lock")


@contextmanager
def alone(path: Path, refusal: str) -> Iterator[None]:
    """Be the only one who writes ``path``, in a folder that is made where it is missing.

    The system frees the lock of a process that ends in any way; processes that it forked do not hold it.

    Raises:
        UsageError: another one has the lock; the message is the ``refusal``.
        StorageError: the folder cannot be written to.
    """
    make_folder(path.parent)
    try:
        lock = FileLock(lock_of(path), timeout=0)
        lock.acquire()
    except Timeout:
        raise UsageError(refusal) from None
    except OSError as error:
        raise StorageError.of(path.parent, error) from None
    try:
        yield
    finally:
        lock.release()
