"""What is computed once and kept in the cache: read where it is whole, computed by one process while others wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import chain, repeat
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from bench.atomic import make_folder
from bench.errors import StorageError

# Seconds of waiting in silence, before it is said first and again.
PATIENCE, REMINDER = 30.0, 600.0


T = TypeVar("T")


class DamagedError(Exception):
    """A file of the cache is not what was written; the message names it."""


def kept(
    card: Path, read: Callable[[], T | None], compute: Callable[[], T], again: str, say: Callable[[str], None]
) -> T:
    """What ``read`` finds, or else ``compute`` makes. Two processes that ask at once compute it once.

    Args:
        card: the file that vouches for it; its lock lies beside it.
        read: returns None where there is nothing, and raises ``DamagedError`` where it is not what was written.
        again: what follows on damage, said after its message.
        say: told in a line which file is damaged, or that another process is waited for.

    Raises:
        StorageError: the lock cannot be made.
    """
    with suppress(DamagedError):
        if (found := read()) is not None:
            return found
    with locked(card.with_suffix(".lock"), say):
        try:
            found = read()
        except DamagedError as damage:
            say(f"{damage}; {again}")
            found = None
        return compute() if found is None else found


def writing(card: Path, say: Callable[[str], None]) -> AbstractContextManager[None]:
    """Hold what whoever writes the files of a card holds for a moment, also while another process computes them: two
    that were computed apart may differ in a bit, and the card of one does not fit the weights of the other.

    Raises:
        StorageError: the lock cannot be made.
    """
    return locked(card.with_suffix(".writing.lock"), say)


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
