"""A user's list of pairs to be told apart: a CSV file of file names, and of labels where they are known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.errors import LONGEST_NAME, LONGEST_VALUE, UsageError
from bench.text import printable, without_home

LABELS = {"1": 1, "same": 1, "0": 0, "different": 0}


@dataclass(frozen=True, eq=False)
class PairList:
    """Pairs of files.

    Attributes:
        root: folder to which their names are relative.
        a, b: names of the files of each pair.
        label: (N,) int64, 1 for same; None where the list has no labels.
    """

    root: Path
    a: tuple[str, ...]
    b: tuple[str, ...]
    label: NDArray[np.int64] | None


def read_pair_list(path: Path) -> PairList:
    """The pairs of a CSV file with the columns ``a``, ``b`` and, as one likes, ``label``; others are ignored.

    Raises:
        UsageError: it cannot be read, or a row names no file or no label.
    """
    where = without_home(printable(str(path), LONGEST_NAME))
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            rows, columns = [(reader.line_num, row) for row in reader], list(reader.fieldnames or ())
    except OSError as error:
        raise UsageError(f"{where}: {error.strerror or error}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{where}: not a readable CSV file in UTF-8 ({error})") from None
    if missing := [column for column in ("a", "b") if column not in columns]:
        found = printable(", ".join(columns), LONGEST_VALUE) or "nothing"
        raise UsageError(f"{where}: no column {missing[0]}; expected a,b and (optional) label, found {found}")
    if not rows:
        raise UsageError(f"{where}: no pairs found; expected a row per pair below the column names")
    for line, row in rows:
        # Values beyond the columns.
        if any(row.get(None, ())):
            raise UsageError(
                f"{where}: row {line} has more values than columns; put one that holds a comma into quotes"
            )
        for column in ("a", "b"):
            if not row[column]:
                raise UsageError(f"{where}: row {line} has no {column}")
    labels = [_label(where, line, row["label"]) for line, row in rows] if "label" in columns else None
    a, b = (tuple(row[column] for _, row in rows) for column in ("a", "b"))
    return PairList(path.parent, a, b, None if labels is None else np.array(labels, np.int64))


def _label(where: str, line: int, said: str | None) -> int:
    text = (said or "").strip().lower()
    if text not in LABELS:
        shown = printable(repr(said or ""), LONGEST_VALUE)
        raise UsageError(f"{where}: row {line}: label {shown}; expected 1 or same, 0 or different")
    return LABELS[text]
