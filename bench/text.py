"""Numbers and foreign words as records, tables and messages write them."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

MISSING = "-"
SMALLEST_P = 0.001  # that is told; no p value is 0

# What a terminal obeys, what turns the direction of a line, what is no character, and halves of characters.
UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
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
    # Most texts, and no text with a sign of UNPRINTABLE.
    if text.isprintable():
        return text
    return UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def shortened(text: str, longest: int) -> str:
    """The first letters of a longer text and an ellipsis, for a picture; in a message :func:`printable` says how much
    is missing."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def names_in(*texts: str) -> tuple[str, ...]:
    """The names in texts that part them by commas, in order."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def by_number(text: str) -> list[tuple[int, str]]:
    """A key that sorts ``k=2`` before ``k=16``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]


def some(names: Iterable[str], most: int) -> str:
    """The first ``most`` names, and how many more there are."""
    every = list(names)
    more = len(every) - most
    return ", ".join(every[:most]) + (f" and {more:,} more" if more > 0 else "")


def defined(value: Any) -> Any:
    """A value for JSON: None for a number that is not finite, anything else as it is."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def without_home(text: str) -> str:
    """``text`` with ``~`` for the home folder of the user, wherever the path of something in it stands: records and
    pages are handed on."""
    here = _home(os.path.expanduser("~"))
    return here.sub("~", text) if here else text


def with_home(text: str) -> str:
    """The path that ``~/...`` stands for; any other text as it is."""
    return os.path.expanduser(text) if text == "~" or text.startswith("~/") else text


@cache
def _home(folder: str) -> re.Pattern[str] | None:
    """The home folder at the start of a path, as it is named and where that leads to; None where there is none."""
    folders = {path for path in (folder, os.path.realpath(folder)) if path.startswith("/") and path.strip("/")}
    # "/home/u" is no part of "/mnt/home/u" or "/home/user".
    either = "|".join(re.escape(path.rstrip("/")) for path in folders)
    return re.compile(rf"(?<![\w.~-])(?:{either})(?![\w-]|\.\w)") if folders else None


def p_text(p: float) -> str:
    """A p value: ``0.012``, ``< 0.001``, or a dash for nan. None is 0."""
    return MISSING if math.isnan(p) else f"{p:.3f}" if p >= SMALLEST_P else f"< {SMALLEST_P}"


def human(value: float) -> str:
    """A count or rate in short: ``560``, ``16.6 k``, ``261 k``, ``7.9 M``."""
    units = ["", " k", " M", " G", " T"]
    power = 0
    while abs(value) >= 999.5 and power < len(units) - 1:
        value, power = value / 1000, power + 1
    whole = abs(value) >= 99.95 or (power == 0 and float(value).is_integer())
    return f"{value:.0f}{units[power]}" if whole else f"{value:.1f}{units[power]}"


def count_of(n: int, one: str, many: str = "") -> str:
    """``1 cell``, ``2 cells``; ``many`` where it is not ``one`` with an s."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def either(repeats: Iterable[str], ending: str = "") -> str:
    """What repetitions are called that are all of one kind, or some of each: ``seeds or replicates``."""
    return " or ".join(f"{one}{ending}" for one in sorted(set(repeats), reverse=True))


def counts_of(counts: Iterable[int], one: str) -> str:
    """``1 cell``, ``3 cells``, ``1 to 3 cells``: the count that all share, or the smallest and the largest."""
    every = list(counts)
    return count_of(every[0], one) if min(every) == max(every) else f"{span(every, ',')} {one}s"


def span(values: Iterable[float | None], form: str) -> str:
    """The value that all share, or the smallest and the largest; empty where there is none."""
    present = [value for value in values if value is not None]
    if not present:
        return ""
    low, high = format(min(present), form), format(max(present), form)
    return low if low == high else f"{low} to {high}"


def say(console: Console, line: str, style: str = "none") -> None:
    """Print a line of this program on a console, whatever names and messages of others stand in it."""
    console.print(printable(line), style=style, markup=False, highlight=False, soft_wrap=True)
