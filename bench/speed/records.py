"""Records of speed on disk: one JSON line per row and run, only ever appended to."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.records.append import appending, json_line
from bench.records.lines import read_lines
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
        self._held = ExitStack()

    def __enter__(self) -> SpeedFile:
        refusal = f"{self.path}: another bench speed is writing here; wait for it"
        self._file = self._held.enter_context(appending(self.path, refusal))
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def write(self, records: Iterable[Record]) -> None:
        """Append records, all or none, and wait until they are on disk.

        Raises:
            StorageError: the disk is full, or the file was removed; what was written before is kept.
        """
        self._file.append(b"".join(json_line({"schema": SCHEMA, **record}) for record in records))


def read_run(what: str, folder: Path) -> list[Record]:
    """The records of one run: the run called ``what`` in ``folder``, or the last one of the file or folder ``what``.

    Raises:
        UsageError: there is no such run or path, or it cannot be read or holds no records of speed.
    """
    path = Path(what)
    named = not os.path.exists(path)
    file = folder / FILE_NAME if named else path / FILE_NAME if path.is_dir() else path
    if not os.path.exists(file):
        raise UsageError(f"{what}: no such path, and no {file} with a run of that name")
    records = [parse(text, f"{file}, {where}") for text, where in read_lines(file)]
    if any("run" not in record or "mode" not in record for record in records):
        raise UsageError(f"{file}: not a file of bench speed")
    runs = list(dict.fromkeys(record["run"] for record in records))
    if not runs or (named and what not in runs):
        known = f"runs in {file}: {', '.join(runs)}" if runs else f"{file} is empty"
        raise UsageError(f"{what}: no such run; {known}")
    wanted = what if named else runs[-1]
    return [record for record in records if record["run"] == wanted]
