"""A comparison for a terminal."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.gate.comparison import Comparison
from bench.gate.finding import LEGEND, Word
from bench.gate.formats import CheckFormat, register_check_format
from bench.text import printable

UNLIMITED = 10_000  # so that a log has one line per finding
STYLES: dict[Word, str] = {"worse": "red", "missing": "red", "failed": "red", "undecided": "yellow", "better": "green"}


@register_check_format
class Terminal(CheckFormat):
    """A table of everything that is not the same, and the summary; coloured where stdout is a terminal."""

    name = "table"

    def render(self, comparison: Comparison) -> str:
        screen = Console()
        width = screen.width if screen.is_terminal else UNLIMITED
        out = Console(file=io.StringIO(), width=width, force_terminal=screen.is_terminal, highlight=False)
        if comparison.notable:
            table = Table(box=None, pad_edge=False)
            for name in ("", "verdict", "tier", "cell", "what was seen"):
                table.add_column(name, no_wrap=name in ("", "verdict", "tier"), overflow="fold")
            for one in comparison.notable:
                # As Text: names may contain what would be read as markup.
                cells = (Text(printable(text)) for text in (one.mark, one.word, one.tier, one.cell, one.text))
                table.add_row(*cells, style=STYLES.get(one.word))
            out.print(table)
            out.print(Text(f"\n{LEGEND}"))
        out.print(Text(comparison.summary, style="bold"))
        assert isinstance(out.file, io.StringIO)
        return out.file.getvalue()
