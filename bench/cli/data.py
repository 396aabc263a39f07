"""``bench data``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from bench.cli.options import IncludeOption, emit, load_zoo, table_text

data = typer.Typer(
    help="List the packages that domains read, with licence, size and where each was looked for; "
    "bench data install fetches them.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@data.callback(invoke_without_command=True)
def list_needs(
    context: typer.Context,
    format_name: Annotated[Literal["table", "json"], typer.Option("--format", help="table or json.")] = "table",
    include: IncludeOption = None,
) -> None:
    """List the packages that domains read, with licence, size and where each was found or looked for."""
    if context.invoked_subcommand is not None:
        return
    from rich.table import Table
    from rich.text import Text

    from bench.catalogue.data import COLUMNS, needs
    from bench.text import printable

    load_zoo(include)
    found = needs()
    if format_name == "json":
        emit(json.dumps([asdict(need) for need in found], indent=2) + "\n")
        return
    table = Table(*COLUMNS, box=None, header_style="bold", pad_edge=False)
    for need in found:
        table.add_row(*(Text(printable(cell)) for cell in need.row))
    emit(table_text(table))


@data.command()
def install(
    domain: Annotated[list[str], typer.Argument(help="Domains that read packages, or all.")],
    include: IncludeOption = None,
) -> None:
    """Fetch the packages of domains with npm, pip or apt, compare each with its locked hash, and render what is kept.

    Nothing of a package is run. What is installed already is not fetched again. Exit code 2 where one cannot be
    fetched or is not what the lock says.
    """
    from bench.catalogue.data import prepare, with_packages
    from bench.packages.install import install as fetch

    load_zoo(include)
    for cls in with_packages(domain):
        for package in cls.packages:
            root = fetch(package)
            typer.echo(f"{cls.name}: {package}, {package.licence}: {root}", err=True)
        prepare(cls)
        emit(f"{cls.name} is ready: bench show {cls.name}\n")
