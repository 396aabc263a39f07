"""What would pass unseen in the CSV list of a domain: a column of nearly a known name, a value too many, an open quote.
Asked where a sweep is planned, since the keys of published records hang on the domains' own files."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from difflib import get_close_matches
from pathlib import Path

from bench.domain import unread_of
from bench.errors import UsageError
from bench.text import some

from .pair_lists import COLUMNS, OPTIONAL
from .pairs import ListedPairs

NAMED = 5
# As alike as grp and group, or group_id.
NEARLY = 0.75


@unread_of.register
def _unread(domain: ListedPairs) -> tuple[str, ...]:
    where = domain._listed.where
    path = Path(where.removeprefix("pairs "))
    return () if path.suffix.lower() == ".txt" else unread_columns(where, path, COLUMNS, OPTIONAL, ("group", "split"))


def unread_columns(
    where: str, path: Path, columns: Sequence[str], optional: Sequence[str], names: Collection[str]
) -> tuple[str, ...]:
    """A line on the columns of a CSV file that are not read.

    Args:
        columns, optional: that are read. names: those of them whose values are compared as they stand.

    Raises:
        UsageError: a column that is not read and nearly has the name of one that is, a row with more values than
            columns, a value over several lines, a quote that is not closed, or a blank around one of ``names``.
    """
    known = (*columns, *optional)
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader)
            for row in reader:
                _check_row(where, reader.line_num, header, row, names)
        except csv.Error as error:
            raise UsageError(f"{where}: row {reader.line_num}: {error}; expected a quote to end in its row") from None
    others = [name for name in header if name and name not in known]
    for name in others:
        for meant in known:
            if meant not in header and get_close_matches(_plain(name), [_plain(meant)], cutoff=NEARLY):
                raise UsageError(f"{where}: column {name!r} is not read; expected {meant}, or a name unlike it")
    return (f"{where}: not read: {some(others, NAMED)}; columns that are read: {', '.join(known)}",) if others else ()


def _check_row(where: str, line: int, header: Sequence[str], row: Sequence[str], names: Collection[str]) -> None:
    if any(row[len(header) :]):
        raise UsageError(
            f"{where}: row {line} has {len(row)} values, and there are {len(header)} columns; put a value that holds a "
            "comma into quotes"
        )
    for name, value in zip(header, row, strict=False):
        if "\n" in value or "\r" in value:
            raise UsageError(f"{where}: row {line}: {name} goes over several lines; expected a quote to end in its row")
        if name in names and value != value.strip():
            raise UsageError(f"{where}: row {line}: {name} {value!r} has a blank at an end; remove it")


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix("s")
