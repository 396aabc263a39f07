"""The command line. Nothing in this package imports torch, timm, pandas or matplotlib at module level."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import bench
from bench.cli.audit import audit
from bench.cli.check import check
from bench.cli.compare import compare
from bench.cli.conformance import test
from bench.cli.doctor import doctor
from bench.cli.export import export
from bench.cli.fingerprint import fingerprint
from bench.cli.listing import list_entries
from bench.cli.plot import plot
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.show import show
from bench.cli.speed import speed
from bench.errors import UsageError

COMMANDS: dict[str, Callable[..., None] | typer.Typer] = {
    "run": run,
    "report": report,
    "plot": plot,
    "compare": compare,
    "check": check,
    "export": export,
    "fingerprint": fingerprint,
    "list": list_entries,
    "show": show,
    "test": test,
    "audit": audit,
    "speed": speed,
    "doctor": doctor,
}
PLAIN: dict[str, Any] = {"pretty_exceptions_enable": False, "rich_markup_mode": None}


class Commands(TyperGroup):
    """The commands by name and description; each gets its options when it is called, since some are slow to derive."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, command in COMMANDS.items():
            description = command.info.help if isinstance(command, typer.Typer) else inspect.getdoc(command)
            self.add_command(TyperCommand(name, help=description), name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, found, rest = super().resolve_command(ctx, args)
        return name, found and _with_options(COMMANDS[found.name or ""]), rest


def _with_options(command: Callable[..., None] | typer.Typer) -> Any:
    if isinstance(command, typer.Typer):
        return typer.main.get_command(command)
    alone = typer.Typer(add_completion=False, **PLAIN)
    alone.command()(command)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="bench",
    help="Benchmark how a network should join two images: fusions x backbones x seeds x domains.",
    cls=Commands,
    no_args_is_help=True,
    **PLAIN,
)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"fusebench {bench.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point of ``bench`` and ``fusebench``: bad input becomes one line on stderr and exit code 2."""
    # Weights are only taken from the local cache, unless the user says otherwise.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        app()
    except UsageError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
