"""``bench list``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.catalogue.kinds import KINDS
from bench.cli.options import IncludeOption, emit, load_zoo, refuse_given, table_text
from bench.errors import UsageError

MODELS = "models"


def list_entries(
    context: typer.Context,
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}, or {MODELS}: those that runs have kept.")],
    results: Annotated[Path, typer.Argument(help="Of models: a run folder, or a folder of such.")] = Path("results"),
    include: IncludeOption = None,
) -> None:
    """List what is registered and the plug-ins that failed to load, or the trained models that runs have kept."""
    if kind == MODELS:
        refuse_given(context, ["include"], "models are listed as they were kept; leave it out")
        _list_models(results)
        return
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}; expected one of {', '.join([*KINDS, MODELS])}")
    refuse_given(context, ["results"], f"{kind} are not listed of runs, {MODELS} are; leave it out")
    from rich.table import Table
    from rich.text import Text

    from bench.guard import BUILT_IN_FOLDERS
    from bench.text import printable

    # Plug-ins of one's own may build on any built-in one, and must not take its name.
    load_zoo(include, BUILT_IN_FOLDERS if include else KINDS[kind].folders)
    table = Table("name", *KINDS[kind].facts, box=None, header_style="bold", pad_edge=False)
    for row in KINDS[kind].rows():
        table.add_row(*(Text(printable(cell)) for cell in row))
    emit(table_text(table, KINDS[kind].note))


def _list_models(results: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    from bench.catalogue.models import COLUMNS, models_in

    found, damaged = models_in(results)
    for problem in damaged:
        typer.echo(f"left out: {problem}", err=True)
    table = Table(*COLUMNS, box=None, header_style="bold", pad_edge=False)
    for row in found:
        table.add_row(*map(Text, row))
    emit(table_text(table) if found else f"no stored models in {results}; bench run --save best keeps them\n")
