"""An audit as a table, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from bench.audit.rows import Row, Verdict
from bench.audit.run import Audit

HEADER = ("baseline", "row", "level", "accuracy %", "95 % interval", "limit", "verdict", "s")
STYLES = {Verdict.LEAK: "bold red", Verdict.UNDECIDED: "yellow", Verdict.OK: "green"}
PLAIN_WIDTH = 200


def to_table(audit: Audit) -> str:
    """Columns aligned for reading; coloured on a terminal, plain elsewhere."""
    console = Console() if Console().is_terminal else Console(width=PLAIN_WIDTH)
    table = Table(*HEADER, box=None, header_style="bold", pad_edge=False)
    for row in audit.rows:
        table.add_row(*cells(row), style=STYLES.get(row.verdict, "dim"))
    with console.capture() as captured:
        console.print(table)
        console.print(summary(audit), highlight=False)
    return captured.get()


def to_markdown(audit: Audit) -> str:
    """A Markdown table, with the summary below it."""
    lines = ["| " + " | ".join(HEADER) + " |", "| --- | --- | --- | ---: | ---: | ---: | --- | ---: |"]
    lines += ["| " + " | ".join(cells(row)) + " |" for row in audit.rows]
    return "\n".join([*lines, "", summary(audit), ""])


def to_json(audit: Audit) -> str:
    """All fields of all rows; shares and accuracies between 0 and 1."""
    return json.dumps({**asdict(audit), "passed": audit.passed}, indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Audit], str]] = {"table": to_table, "md": to_markdown, "json": to_json}


def cells(row: Row) -> tuple[str, ...]:
    """What the columns of ``HEADER`` show of a row."""
    level = row.level or ""
    value = _percent(row.value) if row.level else row.note
    interval = f"{_percent(row.interval[0])} to {_percent(row.interval[1])}" if row.interval else ""
    limit = _limit(row)
    noted = f"{row.verdict}: {row.note}" if row.note and (row.level or row.value is None) else str(row.verdict)
    if row.verdict is Verdict.NOT_APPLICABLE:
        value = ""
    return row.baseline, row.what, level, value, interval, limit, noted, f"{row.seconds:.1f}"


def summary(audit: Audit) -> str:
    """One line: what was audited, the outcome and the time."""
    judged = [row for row in audit.rows if row.verdict in (Verdict.OK, Verdict.LEAK, Verdict.UNDECIDED)]
    outcome = f"{sum(row.verdict is Verdict.OK for row in judged)} of {len(judged)} ok, leaks: {len(audit.leaks)}"
    times = f"{audit.seconds:.0f} s (drawing {audit.drawing:.0f}, warm-up {audit.warming_up:.0f})"
    return f"{audit.domain}, {audit.n:,} test pairs, seed {audit.seed}: {outcome}; {times}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.2f}"


def _limit(row: Row) -> str:
    if row.limit is None:
        return ""
    return f"< {_percent(row.limit)}" if row.level else f"<= {row.limit:g}"
