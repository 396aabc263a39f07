"""What is printed reaches stdout whole, or the error says that it is stdout's: no other error passes for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from bench.errors import StorageError


@contextmanager
def written_to_stdout() -> Iterator[None]:
    """For what does nothing but write to stdout.

    Raises:
        StorageError: what stdout goes to did not take it, as on a full disk.
        BrokenPipeError: nobody reads it.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError.of("stdout", error) from None


class _Stdout:
    """A text stream whose errors say that they are stdout's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with written_to_stdout():
            return self._stream.write(text)

    def flush(self) -> None:
        with written_to_stdout():
            self._stream.flush()


@contextmanager
def whole_stdout() -> Iterator[None]:
    """Whatever is printed meanwhile has reached stdout at the end; raises what :func:`written_to_stdout` does."""
    before, sys.stdout = sys.stdout, _Stdout(sys.stdout)
    try:
        yield
    finally:
        try:
            sys.stdout.flush()
        finally:
            sys.stdout = before
