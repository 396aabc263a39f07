"""Numbers, cells and foreign words as records, tables and messages write them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

MISSING = "-"
SMALLEST_P = 0.001  # that is told; no p value is 0

# What a terminal obeys, what turns the direction of a line, and halves of characters that no encoding has.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def printable(text: str, longest: int | None = None) -> str:
    """``text`` of whatever origin as it can be shown, stored and sent: what cannot be printed is written as its escape,
    such as ``\\x1b``; line breaks and tabs stay.

    Args:
        longest: characters that are kept; of a longer text the first and the last, and how many are missing.
    """
    if longest is not None and len(text) > longest:
        first, last = 2 * longest // 3, longest - 2 * longest // 3
        text = f"{text[:first]} ... ({len(text) - longest:,} characters left out) ... {text[-last:]}"
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def p_text(p: float) -> str:
    """A p value: ``0.012``, ``< 0.001``, or a dash for nan. None is 0."""
    return MISSING if math.isnan(p) else f"{p:.3f}" if p >= SMALLEST_P else f"< {SMALLEST_P}"


def align(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A Markdown table padded for reading as plain text; all columns but the first ``left`` are right-aligned."""
    widths = [max(3, *(len(row[i]) for row in (header, *rows))) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def human(value: float) -> str:
    """A count or rate in short: ``560``, ``16.6 k``, ``261 k``, ``7.9 M``."""
    units = ["", " k", " M", " G", " T"]
    power = 0
    while abs(value) >= 999.5 and power < len(units) - 1:
        value, power = value / 1000, power + 1
    whole = abs(value) >= 99.95 or (power == 0 and float(value).is_integer())
    return f"{value:.0f}{units[power]}" if whole else f"{value:.1f}{units[power]}"


def count_of(number: int, noun: str) -> str:
    """``1 cell``, ``2 cells``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def escape(text: str) -> str:
    """``text`` that does not end the cell of a table."""
    return text.replace("|", "\\|")


def span(values: Iterable[float | None], form: str) -> str:
    """The value that all share, or the smallest and the largest; empty where there is none."""
    present = [value for value in values if value is not None]
    if not present:
        return ""
    low, high = format(min(present), form), format(max(present), form)
    return low if low == high else f"{low} to {high}"
