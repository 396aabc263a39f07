"""Files of JSON lines that are only ever appended to: by one process, whole lines, on disk before the next."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import FileIO
from pathlib import Path
from typing import Any

from bench.atomic import remove_stale
from bench.errors import StorageError, UsageError
from bench.locks import alone
from bench.text import printable

# Characters that are kept: a path of the system has at most 4,096; of an error the first and the last lines tell most.
LONGEST_TEXT = 5_000
LONGEST = {"message": 2_000, "traceback": 10_000}
BLOCK_BYTES = 2**16
# Most values of a record; to ask for a mapping takes longer than all else here.
PLAIN = frozenset({int, float, bool, type(None)})


class LineFile:
    """An open file that lines are appended to."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path, self._file = path, file

    def append(self, lines: bytes) -> None:
        """Append whole lines and wait until they are on disk; where they do not fit nothing of them is left behind.

        Raises:
            StorageError: the disk is full, or the file was removed.
        """
        try:
            self._append(lines)
        except OSError as error:
            raise StorageError.of(self.path, error) from None

    def _append(self, lines: bytes) -> None:
        here = self._file.fileno()
        end, rest = os.fstat(here).st_size, memoryview(lines)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
            os.fsync(here)
        except BaseException:
            with suppress(OSError):
                self._file.truncate(end)
            raise
        # A file that was removed still takes lines, and they are lost.
        if not os.path.samestat(os.fstat(here), os.stat(self.path)):
            raise OSError(errno.ESTALE, "another file took its place")


@contextmanager
def appending(path: Path, refusal: str) -> Iterator[LineFile]:
    """Open a file to append lines to, as the only process that does, without what killed ones left half done.

    Raises:
        UsageError: another process writes it; the message is the ``refusal``.
        StorageError: it cannot be written to.
    """
    with alone(path, refusal):
        remove_stale(path.parent)
        try:
            file = FileIO(path, "a+")
        except OSError as error:
            raise StorageError.of(path, error) from None
        with file:
            _drop_torn_line(file)
            yield LineFile(path, file)


def json_line(fields: Mapping[str, Any]) -> bytes:
    """Fields as a line, with all texts in them, names included, as they can be shown anywhere, and cut where they are
    far too long.

    Raises:
        UsageError: something in them is nothing that JSON holds, such as a number that is not finite.
    """
    try:
        return json.dumps(_storable(fields), allow_nan=False, separators=(",", ":")).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(str(error)) from None


@lru_cache(maxsize=1024)
def stored(text: str, field: str = "") -> str:
    """A text as :func:`json_line` writes it in a field of that name."""
    return printable(text, LONGEST.get(field, LONGEST_TEXT))


def _storable(value: Any, field: str = "") -> Any:
    if type(value) in PLAIN:
        return value
    if isinstance(value, str):
        return stored(value, field)
    if isinstance(value, Mapping):
        return {_storable(name): _storable(own, name) for name, own in value.items()}
    return [_storable(own) for own in value] if isinstance(value, list | tuple) else value


def _drop_torn_line(file: FileIO) -> None:
    """Cut off what a killed writer left behind the last complete line."""
    size = place = file.seek(0, os.SEEK_END)
    end = 0
    while place and not end:
        length = min(place, BLOCK_BYTES)
        place = file.seek(place - length)
        end = place + found + 1 if (found := (file.read(length) or b"").rfind(b"\n")) >= 0 else 0
    if end != size:
        file.truncate(end)
