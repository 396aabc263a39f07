"""``bench test``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import Names
from bench.errors import UsageError
from bench.text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from bench.conformance.subject import Result


def test(
    path: Annotated[Path, typer.Argument(help="Plug-in file or folder to test.")],
    backbone: Annotated[Names, typer.Option(help="Backbones to test fusions with (default: all three).")] = None,
    only: Annotated[Names, typer.Option(help="Names or globs of what to test; commas or repeated.")] = None,
    limit: Annotated[str, typer.Option(help="Limit per check: 90s, 20m, 2h.")] = "60s",
) -> None:
    """Run the conformance suite over whatever a plug-in registers. Exit code 1 when a check fails."""
    from rich.console import Console

    from bench.conformance.display import CheckDisplay
    from bench.conformance.run import run_suite
    from bench.conformance.tasks import Loading
    from bench.interrupt import Interrupted
    from bench.sweep.config import seconds
    from bench.sweep.config_values import split_names

    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    try:
        allowed = seconds(limit) or 0.0
    except ValueError as error:
        raise UsageError(f"--limit {error}") from None
    loading = Loading(path, split_names(backbone or ()), split_names(only or ()))
    results: list[Result] = []
    interrupted, code = "", 0
    try:
        # One by one: an interrupt leaves those before it in the list.
        results.extend(run_suite(loading, allowed, CheckDisplay(Console(stderr=True))))
    except Interrupted as error:
        code = error.exit_code
        interrupted = "; interrupted, what is not here has no result"
    console = Console()
    console.print(_table(results))
    console.print(f"{_counts(results)}{interrupted}")
    raise typer.Exit(code or int(any(result.problem for result in results)))


def _counts(results: Sequence[Result]) -> str:
    failed = sum(bool(one.problem) for one in results)
    expected = sum(bool(one.expected) for one in results)
    skipped = sum(bool(one.skipped) for one in results)
    more = {"as the fusion states": expected, "not applicable": skipped}
    rest = "".join(f", {number} {what}" for what, number in more.items() if number)
    return f"{len(results)} checks, {failed} failed{rest}"


def _table(results: Sequence[Result]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table("kind", "name", "backbone", "check", "result", box=None, header_style="bold", pad_edge=False)
    for one in results:
        skipped = f"not applicable: {one.skipped}" if one.skipped else ""
        outcome = one.problem or one.expected or skipped or "ok"
        cells = [escape(printable(cell)) for cell in (one.kind, one.name, one.backbone, one.check, outcome)]
        table.add_row(*cells, style="red" if one.problem else "dim" if one.skipped else "")
    return table
