"""``bench list``."""

from __future__ import annotations

import io
from typing import Annotated

import typer

from bench.catalogue.kinds import KINDS
from bench.cli.options import IncludeOption, emit
from bench.errors import UsageError


def list_entries(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    include: IncludeOption = None,
) -> None:
    """List what is registered, and the plug-ins that failed to load."""
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}; expected one of {', '.join(KINDS)}")
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from bench import zoo
    from bench.guard import BUILT_IN_FOLDERS
    from bench.text import printable, say

    # Plug-ins of one's own may build on any built-in one, and must not take its name.
    zoo.load(include or (), BUILT_IN_FOLDERS if include else KINDS[kind].folders)
    table = Table("name", *KINDS[kind].facts, box=None, header_style="bold", pad_edge=False)
    for row in KINDS[kind].rows():
        table.add_row(*(Text(printable(cell)) for cell in row))
    shown, text = Console(), io.StringIO()
    console = Console(file=text, force_terminal=shown.is_terminal, width=shown.width if shown.is_terminal else 200)
    console.print(table)
    console.print(KINDS[kind].note, end="\n" if KINDS[kind].note else "", highlight=False)
    emit(text.getvalue())
    for plugin in zoo.broken_plugins():
        say(Console(stderr=True), f"failed to load: {plugin.path}: {plugin.error}", "red")
