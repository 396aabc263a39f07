"""The lines of a file of records: what each holds, and which are left out because they hold nothing."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BufferedIOBase
from pathlib import Path
from typing import Generic, NamedTuple

from bench.errors import UsageError
from bench.records.record import Attempt, Kind, Record, checker, parse
from bench.records.schema import SchemaError

# How many damaged lines of a file a message names.
NAMED = 3
KEY = re.compile(rb'"key": ?"([^"\\]+)"')


class Line(NamedTuple):
    """A line of a file, and where it stands, for messages."""

    text: bytes
    where: str


class Damaged(NamedTuple):
    """A line that holds no record: ``where`` it stands, and the ``problem``, which names the line."""

    file: Path
    problem: str


class Reading(NamedTuple, Generic[Kind]):
    """What a file of records holds, in the order written, and what of it is lost."""

    records: list[Kind]
    damaged: tuple[Damaged, ...] = ()


def read_records(path: Path, kind: type[Kind]) -> Reading[Kind]:
    """All complete records of a file, as much of each as ``kind`` has; a torn last line is left out.

    A line that no table would take costs one cell: it is no record for whoever reads it, and of its key, where that is
    still legible, no earlier one counts. Where a later record has the key nothing is lost.

    Raises:
        UsageError: the file cannot be read, or all of it is of another schema.
    """
    # A sweep that is resumed asks for less than a table: what that would not take has to run again.
    check = checker(kind) if issubclass(kind, Record) else _attempts()
    found: list[Kind] = []
    problems: list[tuple[int, Line, UsageError]] = []
    for line in read_lines(path):
        try:
            found.append(check(*line))  # type: ignore[arg-type]
        except UsageError as error:
            problems.append((len(found), line, error))
    if not problems:
        return Reading(found)
    if not found and all(isinstance(error, SchemaError) for _, _, error in problems):
        raise UsageError(f"{path}, {problems[0][2]}")
    last = {record.key: place for place, record in enumerate(found)}
    damaged, lost = [], dict[str, int]()
    for place, line, problem in problems:
        legible = KEY.search(line.text)
        key = legible[1].decode(errors="replace") if legible else ""
        if last.get(key, -1) < place:
            damaged.append(Damaged(path, str(problem)))
            lost[key] = place
    return Reading([record for record in found if record.key not in lost], tuple(damaged))


def read_lines(path: Path) -> Iterator[Line]:
    """The complete lines of a file that are not blank; a last line without its end is left out.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        with open_lines(path) as file:
            for number, text in enumerate(file, start=1):
                if text.endswith(b"\n") and text.strip():
                    yield Line(text, f"line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: {getattr(error, 'strerror', None) or error}") from None


def open_lines(path: Path) -> BufferedIOBase:
    """A file of lines, packed or not, to be read."""
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")


def latest_lines(path: Path, keys: Collection[str]) -> dict[str, bytes]:
    """By key, the last line of a file that is a record of one of ``keys``, as it was written.

    Raises:
        UsageError: the file cannot be read.
    """
    found: dict[str, bytes] = {}
    for line in read_lines(path):
        legible = KEY.search(line.text)
        if legible and (key := legible[1].decode(errors="replace")) in keys:
            found[key] = line.text
    # Where another field of that name stands before it.
    missing = set(keys) - found.keys()
    for line in read_lines(path) if missing else ():
        with suppress(UsageError):
            key = parse(*line).get("key")
            if key in missing:
                found[key] = line.text
    return found


def _attempts() -> Callable[[bytes, str], Attempt]:
    check = checker(Record)
    return lambda line, where: check(line, where).attempt


def lost_lines(damaged: Iterable[Damaged]) -> list[str]:
    """A sentence for each file: how many of its lines are left out, and the first of them."""
    by_file: dict[Path, list[str]] = {}
    for file, problem in damaged:
        by_file.setdefault(file, []).append(problem)
    return [_sentence(file, problems) for file, problems in by_file.items()]


def _sentence(file: Path, problems: Sequence[str]) -> str:
    lines = "1 line" if len(problems) == 1 else f"{len(problems)} lines"
    more = len(problems) - NAMED
    named = "; ".join([*problems[:NAMED], *([f"and {more} more"] if more > 0 else [])])
    return f"{lines} of {file} could not be read and {'is' if len(problems) == 1 else 'are'} left out: {named}"
