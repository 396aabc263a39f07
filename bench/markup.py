"""Foreign words in Markdown, CSV and JSON: whatever a name, a path or an error says, it is read as text.

A text is written as it is, with one markup: a part between backticks is code. A cell of a table that stands between
``**`` is bold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from bench.text import UNPRINTABLE, printable

LONGEST_CODE = 400
CODE = re.compile(r"(?<!`)(`+)(?!`).*?[^`]\1(?!`)")
BOLD = re.compile(r"\*\*(?=\S)(.+)(?<=\S)\*\*")
# What begins or ends markup: emphasis and strikethrough at the edge of a word, links, tags, entities, formulas.
MARKS = re.compile(
    r"[\\`\[$]|[*~](?=\S)|(?<=\S)[*~]|(?<![^\W_])_(?=\S)|(?<=\S)_(?![^\W_])|<(?=[A-Za-z/!?])|&(?=#?\w+;)"
)
# With none of these there is no markup, as in most cells of a table.
FIRST_SIGNS = re.compile(r"[\\`\[$*~_<&]")
# With this before it, a line of text would become a heading, a list, a quotation or a part of a list.
LINE_START = re.compile(r"(\d*)(?=>|[-+*.)](?:\s|$)|#{1,6}(?:\s|$))")
# What a spreadsheet takes for a formula, after OWASP; further apostrophes so that reading gives back what was written.
FORMULA = re.compile("'*[=+\\-@\t\r\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH COMMERCIAL AT}]")


def markdown(text: str) -> str:
    """``text`` on one line, in which Markdown finds no markup but code."""
    flat = _on_a_line(text)
    if not FIRST_SIGNS.search(flat):
        return flat
    shown, end = "", 0
    for found in CODE.finditer(flat):
        shown += MARKS.sub(r"\\\g<0>", flat[end : found.start()]) + found[0]
        end = found.end()
    return shown + MARKS.sub(r"\\\g<0>", flat[end:])


def markdown_line(text: str) -> str:
    """:func:`markdown` for the start of a line."""
    line = markdown(text).lstrip()
    return LINE_START.sub(r"\1\\", line, count=1) if LINE_START.match(line) else line


def code(text: str) -> str:
    """``text`` as code of limited length."""
    flat = " ".join(printable(text).replace("`", "'").split())
    return f"`{flat if len(flat) <= LONGEST_CODE else flat[: LONGEST_CODE - 1] + '…'}`"


def align(header: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """A Markdown table padded for reading as plain text; all columns but the first ``left`` are right-aligned."""
    table = [[_cell(text) for text in row] for row in (header, *rows)]
    widths = [max(3, *map(len, column)) for column in zip(*table, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if i < left else "-" * (width - 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(table[0]), line(rule), *map(line, table[1:])])


def csv_text(text: str) -> str:
    """``text`` as a cell of a CSV file that no spreadsheet takes for a formula: an apostrophe stands before it."""
    shown = printable(text)
    return f"'{shown}" if FORMULA.match(shown) else shown


def text_of_csv(cell: str) -> str:
    """What :func:`csv_text` was given, with all that can be printed."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def json_text(content: Any) -> str:
    """``content`` as JSON that ends with a line break and holds nothing that cannot be printed or encoded.

    Raises:
        ValueError: a number is not finite.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def _cell(text: str) -> str:
    bold = BOLD.fullmatch(text)
    shown = f"**{markdown(bold[1])}**" if bold else markdown(text)
    return shown.replace("|", "\\|")


def _on_a_line(text: str) -> str:
    return printable(text).replace("\n", " ").replace("\t", " ")
