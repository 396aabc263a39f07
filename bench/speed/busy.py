"""What else this machine is doing: nothing is measured beside a sweep, as far as one is seen, and load is told."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.locks import lock_of
from bench.records.folder import PLAIN
from bench.speed.records import FILE_NAME

QUIET_LOAD = 0.2
SAMPLE_SECONDS = 1.0
LOCKS = {lock_of(Path(name)).name: name for name in (PLAIN, FILE_NAME)}


def writer_at_work(own: Path | None = None) -> Path | None:
    """A file of records other than ``own`` that a process is writing to; None where there is none.

    A lock is open in the process that holds it and in no other. Only processes are seen of which the system lets this
    user list the open files.
    """
    besides = own.resolve() if own else None
    for process in Path("/proc").glob("[0-9]*"):
        for path in _open_files(process):
            if path.name in LOCKS and (writing := path.with_name(LOCKS[path.name])) != besides:
                return writing
    return None


def load() -> float:
    """Share of the cores that are busy during the next second.

    Where the system does not tell, the processes per core that ran or waited to run during the last minute, in which a
    measurement that has just ended still counts.
    """
    before = _ticks()
    if before is None:
        return os.getloadavg()[0] / (os.cpu_count() or 1)
    time.sleep(SAMPLE_SECONDS)
    passed, idle = (new - old for new, old in zip(_ticks() or before, before, strict=True))
    return 1 - idle / passed if passed else 0.0


def _ticks(stat: Path = Path("/proc/stat")) -> tuple[int, int] | None:
    """Time of all cores since the start of the system, and the idle part of it; None where the system does not tell."""
    try:
        times = [int(part) for part in stat.read_text().splitlines()[0].split()[1:9]]
    except (OSError, IndexError, ValueError):
        return None
    idle, waiting_for_disks = times[3:5]
    return sum(times), idle + waiting_for_disks


def _open_files(process: Path) -> Iterator[Path]:
    with suppress(OSError):  # ended meanwhile, or another user's
        for entry in (process / "fd").iterdir():
            with suppress(OSError):  # closed meanwhile, as the listing itself is
                yield entry.readlink()
