"""What else this machine is doing: nothing is measured beside a sweep, as far as one is seen, and load is told."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.speed.records import FILE_NAME
from bench.sweep.records import RunFolder

QUIET_LOAD = 0.5  # per core
LOCKED_FILES = {RunFolder(Path()).records_file.name, FILE_NAME}


def writer_at_work(own: Path | None = None) -> Path | None:
    """A file of records other than ``own`` that a process is writing to; None where there is none.

    Only processes are seen of which the system lets this user list the open files.
    """
    besides = own.resolve() if own else None
    for process in Path("/proc").glob("[0-9]*"):
        for path in _open_files(process):
            if path.name in LOCKED_FILES and path != besides and _is_locked(path):
                return path
    return None


def load() -> float:
    """Processes that ran or waited to run during the last minute, per core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def _open_files(process: Path) -> Iterator[Path]:
    with suppress(OSError):  # ended meanwhile, or another user's
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile, as the listing itself is
                yield entry.readlink()


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # gone, or not ours to read
    return False
