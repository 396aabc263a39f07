"""An audit for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.audit.formats import AuditFormat, register_audit_format
from bench.audit.rows import HEADER, Verdict
from bench.audit.run import Audit
from bench.text import printable

STYLES = {Verdict.LEAK: "bold red", Verdict.UNDECIDED: "yellow", Verdict.OK: "green"}
PLAIN_WIDTH = 200


@register_audit_format
class Terminal(AuditFormat):
    """Columns aligned for reading; coloured on a terminal, plain elsewhere."""

    name = "table"

    def render(self, audit: Audit) -> str:
        console = Console() if Console().is_terminal else Console(width=PLAIN_WIDTH)
        table = Table(*HEADER, box=None, header_style="bold", pad_edge=False)
        for row in audit.rows:
            # As Text: names may contain what would be read as markup.
            table.add_row(*(Text(printable(cell)) for cell in row.cells), style=STYLES.get(row.verdict, "dim"))
        with console.capture() as captured:
            console.print(table)
            console.print(Text(printable(audit.summary)))
        return captured.get()
