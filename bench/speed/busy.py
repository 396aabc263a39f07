"""What else this machine is doing: nothing is measured beside a sweep, and load is told."""

from __future__ import annotations

import os
from pathlib import Path

from bench.speed.records import FILE_NAME
from bench.sweep.records import RunFolder

QUIET_LOAD = 0.5  # per core
LOCKED_FILES = {RunFolder(Path()).records_file.name, FILE_NAME}


def writer_at_work(locks: Path = Path("/proc/locks")) -> Path | None:
    """A file of records that some process on this machine is writing to, by the lock that it holds; None where there is
    none, or where the system does not list its locks."""
    if not locks.exists():
        return None
    for line in locks.read_text().splitlines():
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[3] == "WRITE":
            for path in _open_files(fields[4]):
                if path.name in LOCKED_FILES and str(_inode(path)) == fields[5].split(":")[-1]:
                    return path
    return None


def load() -> float:
    """Processes that ran or waited to run during the last minute, per core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def _open_files(process: str) -> list[Path]:
    try:
        entries = list(Path("/proc", process, "fd").iterdir())
    except OSError:
        return []  # ended meanwhile, or another user's
    return [path for path in map(_target, entries) if path is not None]


def _target(entry: Path) -> Path | None:
    try:
        return entry.readlink()
    except OSError:
        return None  # closed meanwhile


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
