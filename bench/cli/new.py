"""``bench new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Optional

import typer

from bench.errors import UsageError


def new(
    kind: Annotated[Literal["fusion"], typer.Argument(help="What to write: fusion.")],
    name: Annotated[str, typer.Argument(help="A letter, then letters, digits or any of _ . + -.")],
    out: Annotated[Optional[Path], typer.Option(help="File to write (default: NAME.py here).")] = None,
) -> None:
    """Write a file with a fusion of your own, which runs as it is, to be changed."""
    from bench import zoo
    from bench.atomic import write_text_atomically
    from bench.catalogue.template import fusion_source
    from bench.fusion import FUSIONS

    # Python imports no file with a dot in its name.
    file = out or Path(f"{name.replace('.', '_')}.py")
    source = fusion_source(name, file)
    zoo.load()
    if name in FUSIONS:
        raise UsageError(f"there is a fusion {name} already; choose another name")
    if file.exists():
        raise UsageError(f"{file}: exists already; give another --out")
    write_text_atomically(file, source)
    typer.echo(f"wrote {file}; its first lines say how to try it", err=True)
