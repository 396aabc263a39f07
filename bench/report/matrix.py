"""Tables with one column per fusion, references beside them, wrapped where the fusions are many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from bench.report.entries import Entry
from bench.report.table import align, escape, named

Row = TypeVar("Row")
WIDEST = 6


@dataclass(frozen=True)
class Block:
    """What stands under a heading: how to read the tables, the tables, and what their signs mean."""

    sentence: str
    tables: Sequence[str]
    legend: Sequence[str] = ()


def matrix(
    labels: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Row]],
    entries: Sequence[Entry],
    value: Callable[[Row, Entry], str],
) -> list[str]:
    """Markdown tables of at most ``WIDEST`` fusions each, every one with all references beside them.

    Args:
        labels: headers of the columns that name a row.
        rows: the names of each row, and what ``value`` is asked for.
        entries: fusions and references in the order of their columns.
    """
    references = [entry for entry in entries if entry.role == "reference"]
    fusions = [entry for entry in entries if entry.role == "fusion"]
    tables = []
    for part in _evenly(fusions):
        columns = [*part, *references]
        header = [*labels, *map(named, columns)]
        cells = [[*map(escape, names), *(value(row, entry) for entry in columns)] for names, row in rows]
        tables.append(align(header, cells, left=len(labels)))
    return tables


def _evenly(fusions: Sequence[Entry]) -> list[Sequence[Entry]]:
    """Parts of at most ``WIDEST`` whose lengths differ by one at most; a single empty one where there is none."""
    parts = max(1, -(-len(fusions) // WIDEST))
    ends = [len(fusions) * part // parts for part in range(parts + 1)]
    return [fusions[start:end] for start, end in pairwise(ends)]
