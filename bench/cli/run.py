"""``bench run``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bench.cli.options import Names, options_of, read_fields


@options_of("bench.sweep.config:SweepConfig")
def run(
    objective: Annotated[
        Optional[str],
        typer.Option(help="What is minimised: bce (default), hinge, triplet, bce+0.1*contrastive:margin=0.5, ..."),
    ] = None,
    aux: Annotated[Names, typer.Option(help="Auxiliary heads and weights: centre=1,size=0.5,angle=1,name=1.")] = None,
    precision: Annotated[
        Optional[str], typer.Option(help="Of matrix products: float32 (default) or bfloat16 (autocast).")
    ] = None,
    pairings: Annotated[
        Optional[int],
        typer.Option(help="--recipe pairs_per_image=N: labelled pairs that are made of each pair drawn; 1: no more."),
    ] = None,
    budget: Annotated[
        Optional[str],
        typer.Option(help="The same training for every fusion: pairs:9600 (labelled), steps:600 or macs:2e12."),
    ] = None,
    textures: Annotated[
        Optional[str], typer.Option(help="--domain-params textures=DIR: images that join the texture bank.")
    ] = None,
    size: Annotated[
        Optional[int], typer.Option(help="--domain-params size=N: height and width of the images of folder domains.")
    ] = None,
    config: Annotated[
        Optional[list[Path]],
        typer.Option(
            help="YAML file, built-in configuration by name, or run.json of an earlier run. Repeated, later ones win "
            "over earlier ones, and the command line over all."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
    **given: Any,
) -> None:
    """Train and evaluate every combination that has no record yet.

    Interrupted or repeated, the same command goes on where it stopped. Exit codes: 0 all cells done, 2 bad input,
    3 some cells failed, 130 interrupted.
    """
    from rich.console import Console

    from bench.processes import get_ready

    if not dry_run and given.get("executor", "local") == "local" and given.get("jobs") != 0:
        get_ready()

    from bench.backbones import BACKBONES
    from bench.sweep.config import load_config
    from bench.sweep.run import run_sweep

    weights = None if aux is None else read_fields("--aux", aux)
    short_forms: dict[str, dict[str, Any]] = {
        "recipe": {
            "objective": objective,
            "auxiliary": weights,
            "precision": precision,
            "pairs_per_image": pairings,
            "budget": budget,
        },
        "domain_params": {"textures": textures, "size": size},
    }
    for field, values in short_forms.items():
        merged = given.get(field, {}) | {name: value for name, value in values.items() if value is not None}
        if merged:
            given[field] = merged
    settings = load_config(given, *(config or ()))
    BACKBONES.load_built_in()
    # What is imported stays; otherwise the collector goes through all of it again while thousands of records are read.
    gc.freeze()
    raise typer.Exit(run_sweep(settings, ["bench", *sys.argv[1:]], Console(stderr=True), dry_run))
