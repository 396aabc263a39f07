"""Records on disk: one JSON line per attempt, written by one process and safe against its death.

A run folder holds ``run.json`` (what was asked for, where and with which versions), ``records.jsonl`` and ``scores/``
(the scores of every evaluated pair). Nothing in here imports torch.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic_core import from_json

from bench.atomic import write_atomically
from bench.errors import UsageError
from bench.records.schema import check_schema

SCHEMA = 1
Status = Literal["ok", "not_applicable", "diverged", "collapsed", "oom", "timeout", "killed", "error"]
STATUSES: tuple[Status, ...] = get_args(Status)
DONE: frozenset[str] = frozenset({"ok", "not_applicable"})
Record = dict[str, Any]
RESUMED_BY = ("key", "status", "error", "backbone", "protocol", "recipe", "times")


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header_file = path / "run.json"
        self.records_file = path / "records.jsonl"
        self.scores = path / "scores"

    def records(self) -> list[Record]:
        """All complete records in the order written; a torn last line is left out.

        Raises:
            UsageError: a line in the middle is not JSON, or a record is of another schema.
        """
        return list(read_records(self.records_file)) if self.records_file.exists() else []

    def attempts(self) -> list[Record]:
        """All complete records, reduced to what a sweep plans and sums up by: less to keep, faster to read."""
        if not self.records_file.exists():
            return []
        records = read_records(self.records_file)
        return [{name: record[name] for name in RESUMED_BY if name in record} for record in records]

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
        self._file = file

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one record and wait until it is on disk."""
        line = json.dumps({"schema": SCHEMA, **record}, allow_nan=False, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def read_records(path: Path) -> Iterator[Record]:
    """Records of a ``records.jsonl``; a last line without its end is left out."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n") and line.strip():
                yield _record(line, f"{path}, line {number}")


def _record(line: bytes, where: str) -> Record:
    try:
        record = from_json(line)
    except ValueError:
        raise UsageError(f"{where}: not a JSON record") from None
    if not isinstance(record, dict):
        raise UsageError(f"{where}: not a record of this program (no schema number)")
    check_schema(record.get("schema"), SCHEMA, where)
    return record


def latest(records: list[Record]) -> dict[str, Record]:
    """The last attempt of each cell, by key, in the order in which the cells first appeared."""
    by_key: dict[str, Record] = {}
    for record in records:
        by_key[record["key"]] = record
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
