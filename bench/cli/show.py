"""``bench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer


def show(
    name: Annotated[str, typer.Argument(help="A fusion, a backbone, a domain, or the key of a record.")],
    include: Annotated[Optional[list[str]], typer.Option(help="Plug-in file or folder; may be repeated.")] = None,
    results: Annotated[Path, typer.Option(help="Where to look for records.")] = Path("results"),
    out: Annotated[
        Optional[Path], typer.Option(help="Contact sheet of a domain; by default NAME.png in the current folder.")
    ] = None,
) -> None:
    """Show a fusion's card, a backbone's shapes, a cell's record, or a domain: its statistics and a contact sheet."""
    import torch

    from bench import zoo
    from bench.catalogue import cards

    # The tensors of a card are small: on busy cores more threads wait for each other.
    torch.set_num_threads(1)
    zoo.load(include or ())
    print(cards.card(name, results, out))
