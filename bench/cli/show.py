"""``bench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def show(
    name: Annotated[str, typer.Argument(help="A fusion, a backbone, a domain, or the key of a record.")],
    include: Annotated[Optional[list[str]], typer.Option(help="Plug-in file or folder; may be repeated.")] = None,
    results: Annotated[Path, typer.Option(help="Where to look for records.")] = Path("results"),
    out: Annotated[Optional[Path], typer.Option(help="PNG of sample pairs (domains only).")] = None,
) -> None:
    """Show a fusion's card, a backbone's shapes, a domain's sample pairs or a cell's record."""
    from bench import zoo
    from bench.catalogue import cards

    zoo.load(include or ())
    print(cards.card(name, results, out))
