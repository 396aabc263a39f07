"""``bench show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.options import IncludeOption, Names, emit, load_zoo, read_fields


def show(
    name: Annotated[str, typer.Argument(help="A fusion, backbone, domain, warm-up or objective, or a record's key.")],
    include: IncludeOption = None,
    results: Annotated[Path, typer.Option(help="Where to look for records.")] = Path("results"),
    out: Annotated[
        Optional[Path],
        typer.Option(
            help="Pictures of a domain or a warm-up, by default a PNG of its name in the current folder; an SVG of a "
            "fusion."
        ),
    ] = None,
    backbone: Annotated[Optional[str], typer.Option(help="Of a warm-up: the backbone that it trains.")] = None,
    domain: Annotated[Optional[str], typer.Option(help="Of a warm-up: the domain whose images it shows.")] = None,
    on: Annotated[
        Optional[str], typer.Option(help="Of a warm-up: another domain to test it on, which its pictures are of then.")
    ] = None,
    warmup_recipe: Annotated[
        Names, typer.Option(help="Of a warm-up: recipe fields that differ; lr=2e-3|6e-3 trains it with each.")
    ] = None,
    config: Annotated[
        Optional[Path],
        typer.Option(help="Of a warm-up: YAML file or built-in configuration, such as systems/s0-centre."),
    ] = None,
) -> None:
    """Show a fusion's or objective's card, a backbone's shapes, a cell's record, a domain or a warm-up.

    Of a fusion with --out: a picture of the way from two images to a score and of what acts together in the join. Of a
    domain: its statistics and a contact sheet. Of a warm-up: its quality and, for centre and autoencoder, pictures
    of what the backbone answers; the warm-up is computed first if it is not in the cache. Of a warm-up under several
    recipes: a table, and their curves as a picture.
    """
    import torch

    from bench.catalogue import cards
    from bench.catalogue.warmup_card import load_warmed_up
    from bench.catalogue.warmup_sweep import warmup_sweep
    from bench.text import printable
    from bench.tune.space import expanded

    # The tensors of a card are small: on busy cores more threads wait for each other.
    torch.set_num_threads(1)
    load_zoo(include)
    recipe = None if warmup_recipe is None else read_fields("--warmup-recipe", warmup_recipe)
    given = {"backbone": backbone, "domain": domain, "warmup_recipe": recipe, "on": on}
    warmed_up = load_warmed_up({key: value for key, value in given.items() if value is not None}, config)
    points = expanded(warmed_up.warmup_recipe, "warmup_recipe")
    if len(points) > 1:
        emit(f"{printable(warmup_sweep(name, warmed_up, points, out))}\n")
        return
    warmed_up = warmed_up.model_copy(update={"warmup_recipe": points[0]})
    emit(f"{printable(cards.card(name, results, out, warmed_up))}\n")
