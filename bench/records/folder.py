"""Records on disk: one JSON line per attempt, written by one process and safe against its death.

A run folder holds ``run.json`` (what was asked for, where and with which versions), ``records.jsonl`` and ``scores/``
(the scores of every evaluated pair). Nothing in here imports torch.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from bench.atomic import write_atomically
from bench.errors import UsageError
from bench.records.record import SCHEMA, DetailedRecord, Kind, checker
from bench.records.schema import check_schema


class Line(NamedTuple):
    """A line of a file, and where it stands, for messages."""

    text: bytes
    where: str


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header_file = path / "run.json"
        self.records_file = path / "records.jsonl"
        self.scores = path / "scores"

    def records(self, kind: type[Kind]) -> list[Kind]:
        """All complete records in the order written, as much of each as ``kind`` has; a torn last line is left out.

        Raises:
            UsageError: a line is no record, is of another schema, or has a field that is not what it has to be.
        """
        if not self.records_file.exists():
            return []
        with _collector_paused():
            return list(read_records(self.records_file, kind))

    def header(self) -> Mapping[str, Any]:
        """What ``run.json`` holds, or nothing where it is missing.

        Raises:
            UsageError: it is no JSON object, or of another schema.
        """
        if not self.header_file.exists():
            return {}
        try:
            header = json.loads(self.header_file.read_text(encoding="utf-8"))
        except ValueError:
            raise UsageError(f"{self.header_file}: not JSON") from None
        if not isinstance(header, dict):
            raise UsageError(f"{self.header_file}: expected a JSON object")
        check_schema(header.get("schema"), SCHEMA, str(self.header_file))
        return header

    def write_header(self, header: Mapping[str, Any]) -> None:
        """Replace ``run.json`` in one step."""
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps(header, indent=2) + "\n"
        write_atomically(self.header_file, lambda temporary: temporary.write_text(text))

    @contextmanager
    def writer(self) -> Iterator[RecordWriter]:
        """The only writer of this folder; a second process that asks for one gets a ``UsageError``."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            opened = self.records_file.open("a+b")
        except OSError as error:
            raise UsageError(f"--out {self.path}: {error.strerror}") from None
        with opened as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(
                    f"{self.path}: another run is writing here; wait for it or choose another --out"
                ) from None
            drop_torn_line(file)
            yield RecordWriter(file)


class RecordWriter:
    """Appends records; each is on disk when :meth:`write` returns."""

    def __init__(self, file: Any) -> None:
        self._file, self._check = file, checker(DetailedRecord)

    def write(self, fields: Mapping[str, Any]) -> DetailedRecord:
        """Append one record, wait until it is on disk, and return what a reader will find there.

        Raises:
            UsageError: a field is missing or is not what it has to be; nothing is written.
        """
        line = json.dumps({"schema": SCHEMA, **fields}, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        record = self._check(line, "the new record")
        self._file.write(line)
        self._file.flush()
        os.fsync(self._file.fileno())
        return record


def read_lines(path: Path) -> Iterator[Line]:
    """The complete lines of a file that are not blank; a last line without its end is left out."""
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if text.endswith(b"\n") and text.strip():
                yield Line(text, f"{path}, line {number}")


def read_records(path: Path, kind: type[Kind]) -> Iterator[Kind]:
    """Records of a ``records.jsonl``, as much of each as ``kind`` has."""
    check = checker(kind)
    return (check(*line) for line in read_lines(path))


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No search for cycles meanwhile: records have none, and looking through all of them takes a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def latest(records: Iterable[Kind]) -> dict[str, Kind]:
    """The last attempt at each cell, by key, in the order in which these attempts were made."""
    by_key: dict[str, Kind] = {}
    for record in records:
        # The later attempt takes the later place: versions of a cell that finished in one second are told apart by it.
        by_key.pop(record.key, None)
        by_key[record.key] = record
    return by_key


def has_runs(path: Path) -> bool:
    """Whether ``path`` is a run folder or a folder of run folders."""
    return (path / "records.jsonl").exists() or any(path.glob("*/records.jsonl"))


def find_runs(folder: Path) -> list[RunFolder]:
    """The run folder at ``folder``, or those directly below it, sorted by name.

    Raises:
        UsageError: there is none.
    """
    if not folder.exists():
        raise UsageError(f"{folder}: no such folder")
    if (folder / "records.jsonl").exists():
        return [RunFolder(folder)]
    found = [RunFolder(path.parent) for path in sorted(folder.glob("*/records.jsonl"))]
    if not found:
        raise UsageError(
            f"{folder}: no records here (expected records.jsonl in it or in a folder below); start with bench run"
        )
    return found


def drop_torn_line(file: Any) -> None:
    """Cut off what a killed writer left behind the last complete line."""
    file.seek(0)
    content = file.read()
    end = content.rfind(b"\n") + 1
    if end != len(content):
        file.truncate(end)
