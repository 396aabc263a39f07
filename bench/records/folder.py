"""Records on disk: one JSON line per attempt, written by one process and safe against its death.

A run folder holds ``run.json`` (what was asked for, where and with which versions), ``records.jsonl`` and ``scores/``
(the scores of every evaluated pair). One that is kept to be read may hold ``records.jsonl.gz`` in place of the records,
a sixth as large. Nothing in here imports torch.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.atomic import remove_stale, write_text_atomically
from bench.errors import UsageError
from bench.memory import collector_paused
from bench.records.append import LineFile, appending, json_line
from bench.records.header import read_header, set_aside
from bench.records.lines import Reading, latest_lines, read_records
from bench.records.record import SCHEMA, DetailedRecord, Kind, Record, checker, parse
from bench.text import printable

PLAIN, PACKED = "records.jsonl", "records.jsonl.gz"


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header_file = path / "run.json"
        is_packed = os.path.lexists(path / PACKED) and not os.path.lexists(path / PLAIN)
        self.records_file = path / (PACKED if is_packed else PLAIN)
        self.scores = path / "scores"

    @property
    def size(self) -> int:
        """Bytes of its records; 0 where there are none."""
        return self.records_file.stat().st_size if self.records_file.is_file() else 0

    def read(self, kind: type[Kind]) -> Reading[Kind]:
        """All complete records in the order written, as much of each as ``kind`` has, and the lines that hold none.

        Raises:
            UsageError: the file cannot be read, or all of it is of another schema; what should be the folder is none.
        """
        if os.path.lexists(self.path) and not self.path.is_dir():
            raise UsageError(f"{self.path}: exists and is no folder")
        if not os.path.lexists(self.records_file):
            return Reading([])
        with collector_paused():
            return read_records(self.records_file, kind)

    def records(self, kind: type[Kind]) -> list[Kind]:
        """The records of :meth:`read`, for whom another one tells what is lost."""
        return self.read(kind).records

    def written(self) -> dict[str, dict[str, Any]]:
        """The latest attempt at each cell as it was written, with whatever fields, by key."""
        known = {record.key for record in self.records(Record)}
        return {key: parse(line, key) for key, line in latest_lines(self.records_file, known).items()}

    def header(self) -> Mapping[str, Any]:
        """What ``run.json`` holds, nothing where it is missing, and ``damaged`` alone where it cannot be understood.

        Raises:
            UsageError: it cannot be read, or is of another schema.
        """
        return read_header(self.header_file)

    def write_header(self, header: Mapping[str, Any]) -> None:
        """Replace ``run.json`` in one step; one that is damaged is kept under another name.

        Raises:
            StorageError: the folder cannot be written to.
        """
        if "damaged" in self.header():
            set_aside(self.header_file)
        write_text_atomically(self.header_file, json.dumps(header, indent=2) + "\n")

    @contextmanager
    def writer(self) -> Iterator[RecordWriter]:
        """The only writer of this folder, without what killed ones left half done.

        Raises:
            UsageError: another process is writing here, or the records are packed.
            StorageError: the folder cannot be written to.
        """
        if self.records_file.name == PACKED:
            raise UsageError(f"{self.records_file}: packed to be read; gunzip it to go on, or choose another --out")
        busy = f"{self.path}: another run is writing here; wait for it or choose another --out"
        with appending(self.records_file, busy) as file:
            remove_stale(self.scores)
            yield RecordWriter(file)


class RecordWriter:
    """Appends records; each is on disk when :meth:`write` returns."""

    def __init__(self, file: LineFile) -> None:
        self._file, self._check = file, checker(DetailedRecord)

    def write(self, fields: Mapping[str, Any]) -> DetailedRecord:
        """Append one record, wait until it is on disk, and return what a reader will find there.

        Raises:
            UsageError: a field is missing or is not what it has to be; nothing is written.
            StorageError: the disk is full, or the file was removed; what was written before is kept.
        """
        try:
            line = json_line({"schema": SCHEMA, **fields})
        except UsageError as error:
            raise UsageError(f"the new record: {error}") from None
        record = self._check(line, "the new record")
        self._file.append(line)
        return record


def latest(records: Iterable[Kind]) -> dict[str, Kind]:
    """The last attempt at each cell, by key, in the order in which these attempts were made."""
    by_key: dict[str, Kind] = {}
    for record in records:
        # The later attempt takes the later place: the order in the file tells versions of a cell apart.
        by_key.pop(record.key, None)
        by_key[record.key] = record
    return by_key


def has_runs(path: Path) -> bool:
    """Whether ``path`` is a run folder or a folder of run folders."""
    return _is_run(path) or bool(runs_below(path, "*/"))


def _is_run(path: Path) -> bool:
    return any(os.path.lexists(path / name) for name in (PLAIN, PACKED))


def runs_below(folder: Path, below: str) -> list[Path]:
    """The run folders among those that a pattern such as ``*/`` finds below ``folder``, sorted."""
    return sorted({file.parent for name in (PLAIN, PACKED) for file in folder.glob(below + name)})


def find_runs(folder: Path) -> list[RunFolder]:
    """The run folder at ``folder``, or those directly below it, sorted by name.

    Raises:
        UsageError: there is none.
    """
    return _find_runs(folder, "*/")


def find_all_runs(folder: Path) -> list[RunFolder]:
    """As :func:`find_runs`, however deep below it, as the trials of a tuning are."""
    return _find_runs(folder, "**/")


def _find_runs(folder: Path, below: str) -> list[RunFolder]:
    try:
        folder.stat()
    except FileNotFoundError:
        raise UsageError(f"{folder}: no such folder") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{printable(str(folder))}: {getattr(error, 'strerror', None) or error}") from None
    if not folder.is_dir():
        raise UsageError(f"{folder}: is a file; expected the folder of a run, or one of such folders")
    if _is_run(folder):
        return [RunFolder(folder)]
    found = [RunFolder(path) for path in runs_below(folder, below)]
    if not found:
        raise UsageError(
            f"{folder}: no records here (expected {PLAIN} in it or in a folder below); start with bench run"
        )
    return found
