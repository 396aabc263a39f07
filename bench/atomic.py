"""Files that appear only when they are complete."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bench.errors import StorageError

# Of the 255 bytes of a name, without what that of a temporary file has beside it.
_LONGEST_NAME = 255 - len(f"..{uuid4().hex}.tmp")


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``path`` that, once on disk, replaces it in one step.

    What fails half-way leaves ``path`` as it was. Permissions are those of any new file. A link stays one: the file
    that it leads to is replaced; what is no file, such as a pipe or ``/dev/null``, is written to as it is.

    Raises:
        StorageError: the folder cannot be written to, or the disk is full.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        _write_into(path, write)
        return
    target = Path(os.path.realpath(path))
    temporary = temporary_beside(target)
    try:
        with temporary.open("wb") as held:
            # For :func:`remove_stale`: the lock of a writer that was killed is gone.
            with suppress(OSError):
                fcntl.flock(held, fcntl.LOCK_EX)
            write(temporary)
            # Else a crash of the machine can leave the name of the file without its content.
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, target)
    except OSError as error:
        raise StorageError.of(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def temporary_beside(path: Path) -> Path:
    """What becomes ``path`` when it is complete: a new name of its own beside it."""
    name = os.fsdecode(os.fsencode(path.name)[:_LONGEST_NAME])
    return path.with_name(f".{name}.{uuid4().hex}.tmp")


def _write_into(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except OSError as error:
        raise StorageError.of(path, error) from error


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        StorageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise StorageError(f"{folder}: exists and is no folder") from None
    except OSError as error:
        raise StorageError.of(folder, error) from error


def write_bytes_atomically(path: Path, content: bytes) -> None:
    """:func:`write_atomically` bytes; folders that are missing are made."""
    make_folder(path.parent)
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_text_atomically(path: Path, text: str) -> None:
    """:func:`write_bytes_atomically` of a text in UTF-8; halves of characters are written as their escapes."""
    write_bytes_atomically(path, text.encode(errors="backslashreplace"))


def check_writable(path: Path) -> None:
    """Try whether a file can be written at ``path``, before the work that gives its content; folders that are missing
    are made.

    Raises:
        StorageError: its folder cannot be written to, or it is a folder itself.
    """
    if path.is_dir():
        raise StorageError(f"{path}: is a folder; expected a file")
    if os.path.exists(path) and not os.path.isfile(path):
        return
    make_folder(path.parent)
    temporary = temporary_beside(Path(os.path.realpath(path)))
    try:
        temporary.touch()
        temporary.unlink()
    except OSError as error:
        raise StorageError.of(path, error) from error


def remove_stale(folder: Path) -> None:
    """Remove the temporary files directly in ``folder`` whose writer was killed; those of others at work stay."""
    for temporary in folder.glob(".*.tmp"):
        with suppress(OSError), temporary.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink()
