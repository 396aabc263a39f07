"""``--include`` of the commands that read results."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

IncludeOption = Annotated[Optional[list[str]], typer.Option(help="Plug-in file or folder, for metrics of your own.")]


def load_plugins(include: list[str] | None) -> None:
    """Load the plug-ins at ``include``, without the built-in ones, which import torch; name those that fail on stderr.

    Raises:
        UsageError: a path does not exist or is not a Python file.
    """
    if not include:
        return
    from bench import zoo

    zoo.load(include, built_in=())
    for plugin in zoo.broken_plugins():
        typer.echo(f"failed to load: {plugin.path}: {plugin.error}", err=True)
