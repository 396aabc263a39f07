"""Records of speed on disk: one JSON line per row and run, only ever appended to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.records.folder import drop_torn_line, read_lines
from bench.records.record import parse

SCHEMA = 1
FILE_NAME = "speed.jsonl"
Record = Mapping[str, Any]


def new_run() -> str:
    """Name of a run: when it started, in UTC, and its process."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid():x}"


class SpeedFile:
    """``speed.jsonl`` in ``folder``, locked from :meth:`__enter__` on: whoever measures does so alone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME

    def __enter__(self) -> SpeedFile:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise UsageError(f"--out {self.path.parent}: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{self.path}: another bench speed is writing here; wait for it") from None
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, records: Iterable[Record]) -> None:
        """Append records and wait until they are on disk. A line that a killed writer left torn is cut off first."""
        drop_torn_line(self._file)
        for record in records:
            line = json.dumps({"schema": SCHEMA, **record}, allow_nan=False, separators=(",", ":"))
            self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_run(what: str, folder: Path) -> list[Record]:
    """The records of one run: the run called ``what`` in ``folder``, or the last one of the file or folder ``what``.

    Raises:
        UsageError: there is no such run or path, or it cannot be read or holds no records of speed.
    """
    path = Path(what)
    try:
        named = not path.exists()
        file = folder / FILE_NAME if named else path / FILE_NAME if path.is_dir() else path
        if not file.exists():
            raise UsageError(f"{what}: no such path, and no {file} with a run of that name")
        records = [parse(*line) for line in read_lines(file)]
    except OSError as error:
        raise UsageError(f"{error.filename or what}: {error.strerror}") from None
    if any("run" not in record or "mode" not in record for record in records):
        raise UsageError(f"{file}: not a file of bench speed")
    runs = list(dict.fromkeys(record["run"] for record in records))
    if not runs or (named and what not in runs):
        known = f"runs in {file}: {', '.join(runs)}" if runs else f"{file} is empty"
        raise UsageError(f"{what}: no such run; {known}")
    wanted = what if named else runs[-1]
    return [record for record in records if record["run"] == wanted]
