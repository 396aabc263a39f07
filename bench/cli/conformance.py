"""``bench test``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import Names
from bench.errors import UsageError


def test(
    path: Annotated[Path, typer.Argument(help="Plug-in file or folder to test.")],
    backbone: Annotated[Names, typer.Option(help="Backbones to test fusions with (default: all three).")] = None,
) -> None:
    """Run the conformance suite over whatever a plug-in registers. Exit code 1 when a check fails."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from bench import zoo
    from bench.backbones import BACKBONES
    from bench.conformance.kinds import KINDS
    from bench.conformance.suite import registered_in, run_suite

    zoo.load([path])
    broken = [plugin for plugin in zoo.broken_plugins() if plugin.path.is_relative_to(path.resolve())]
    for plugin in broken:
        raise UsageError(f"{plugin.path} fails to load: {plugin.error}")
    choices = registered_in(path)
    if not choices:
        raise UsageError(f"{path}: registers nothing; expected a class decorated as one of {', '.join(KINDS)}")
    results = run_suite(choices, backbone or list(BACKBONES))
    table = Table("kind", "name", "backbone", "check", "result", box=None, header_style="bold", pad_edge=False)
    for result in results:
        table.add_row(
            result.kind,
            escape(result.name),
            result.backbone,
            result.check,
            escape(result.problem or result.expected) or "ok",
            style="red" if result.problem else "",
        )
    console = Console()
    console.print(table)
    failures = sum(bool(result.problem) for result in results)
    known = sum(bool(result.expected) for result in results)
    console.print(f"{len(results)} checks, {failures} failed" + (f", {known} as the fusion states" if known else ""))
    raise typer.Exit(1 if failures else 0)
