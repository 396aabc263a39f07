"""``bench test``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import Names
from bench.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from bench.conformance.subject import Result

INTERRUPTED = 130


def test(
    path: Annotated[Path, typer.Argument(help="Plug-in file or folder to test.")],
    backbone: Annotated[Names, typer.Option(help="Backbones to test fusions with (default: all three).")] = None,
    only: Annotated[Names, typer.Option(help="Names or globs of what to test; commas or repeated.")] = None,
    limit: Annotated[str, typer.Option(help="Limit per check: 90s, 20m, 2h.")] = "60s",
) -> None:
    """Run the conformance suite over whatever a plug-in registers. Exit code 1 when a check fails."""
    from rich.console import Console

    from bench.conformance.display import CheckDisplay
    from bench.conformance.examiner import Loading
    from bench.conformance.supervisor import run_suite
    from bench.sweep.config import seconds, split_names

    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    try:
        allowed = seconds(limit) or 0.0
    except ValueError as error:
        raise UsageError(f"--limit {error}") from None
    loading = Loading(path, split_names(backbone or ()), split_names(only or ()))
    results: list[Result] = []
    interrupted = ""
    try:
        # One by one: an interrupt leaves those before it in the list.
        results.extend(run_suite(loading, allowed, CheckDisplay(Console(stderr=True))))
    except KeyboardInterrupt:
        interrupted = "; interrupted, what is not here has no result"
    failed = sum(bool(result.problem) for result in results)
    counts = {"as the fusion states": sum(bool(result.expected) for result in results)}
    counts["not applicable"] = sum(bool(result.skipped) for result in results)
    more = "".join(f", {number} {what}" for what, number in counts.items() if number)
    console = Console()
    console.print(_table(results))
    console.print(f"{len(results)} checks, {failed} failed{more}{interrupted}")
    raise typer.Exit(INTERRUPTED if interrupted else 1 if failed else 0)


def _table(results: Sequence[Result]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("kind", "name", "backbone", "check", "result", box=None, header_style="bold", pad_edge=False)
    for one in results:
        skipped = f"not applicable: {one.skipped}" if one.skipped else ""
        outcome = one.problem or one.expected or skipped or "ok"
        cells = map(escape, (one.kind, one.name, one.backbone, one.check, outcome))
        table.add_row(*cells, style="red" if one.problem else "dim" if one.skipped else "")
    return table
