"""``bench run``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bench.errors import UsageError

Names = Optional[list[str]]


def run(
    fusion: Annotated[Names, typer.Option(help="all, names, globs or name:param=value; commas or repeated.")] = None,
    backbone: Annotated[Names, typer.Option(help="Backbones; any timm model as timm:NAME.")] = None,
    domain: Annotated[Names, typer.Option(help="Domains to train on; your images as folder:PATH.")] = None,
    seed: Annotated[Names, typer.Option(help="Seeds: 0..4 or 0,1,2.")] = None,
    protocol: Annotated[Optional[str], typer.Option(help="scratch, finetune or frozen.")] = None,
    warmup: Annotated[Optional[str], typer.Option(help="Warm-up: see bench list warmups.")] = None,
    eval: Annotated[
        Names,
        typer.Option(help="What else to test on: all, companions (default), shifts of the domain, or domains."),
    ] = None,
    test_pairs: Annotated[Optional[int], typer.Option(help="Test pairs per domain.")] = None,
    objective: Annotated[
        Optional[str],
        typer.Option(help="What is minimised: bce (default), hinge, triplet, bce+0.1*contrastive:margin=0.5, ..."),
    ] = None,
    aux: Annotated[Names, typer.Option(help="Auxiliary heads and weights: centre=1,size=0.5,angle=1,name=1.")] = None,
    recipe: Annotated[Names, typer.Option(help="Recipe fields that differ: lr=0.001,train_pairs=6400.")] = None,
    warmup_recipe: Annotated[Names, typer.Option(help="Warm-up recipe fields that differ: images=76800.")] = None,
    match_params: Annotated[
        Optional[str],
        typer.Option(help="Size fusions and heads alike: 5% of their median, or 5%:60000 parameters."),
    ] = None,
    textures: Annotated[Optional[Path], typer.Option(help="Folder of images that join the texture bank.")] = None,
    size: Annotated[Optional[int], typer.Option(help="Height and width of the images of folder domains.")] = None,
    config: Annotated[Optional[Path], typer.Option(help="YAML file; the command line wins over it.")] = None,
    include: Annotated[Names, typer.Option(help="Plug-in file or folder; may be repeated.")] = None,
    precision: Annotated[
        Optional[str], typer.Option(help="Of matrix products: float32 (default) or bfloat16 (autocast).")
    ] = None,
    device: Annotated[Optional[str], typer.Option(help="cpu, cuda or auto (default): a GPU if there is one.")] = None,
    executor: Annotated[
        Optional[str], typer.Option(help="Where cells run: local (default), inline, or a plug-in's.")
    ] = None,
    jobs: Annotated[
        Optional[int],
        typer.Option(help="Cells at a time (default: one per core; on a GPU, one); 0: --executor inline."),
    ] = None,
    threads: Annotated[Optional[int], typer.Option(help="CPU threads per worker.")] = None,
    seeds_together: Annotated[
        Optional[int], typer.Option(help="Train up to so many seeds of a frozen fusion in one pass (default: 1).")
    ] = None,
    timeout: Annotated[Optional[str], typer.Option(help="Limit per cell: 90s, 20m, 2h.")] = None,
    retry: Annotated[Names, typer.Option(help="Statuses of earlier attempts to run again.")] = None,
    observer: Annotated[
        Names, typer.Option(help="What looks at each cell: profile, tensorboard, or a plug-in's.")
    ] = None,
    profile: Annotated[
        Optional[bool], typer.Option(help="--observer profile: trace a few training steps; print the top operators.")
    ] = None,
    tensorboard: Annotated[
        Optional[bool], typer.Option(help="--observer tensorboard: curves, metrics, pairs and histograms.")
    ] = None,
    out: Annotated[Optional[str], typer.Option(help="Folder of the run (default: results/main).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and stop.")] = False,
) -> None:
    """Train and evaluate every combination that has no record yet.

    Interrupted or repeated, the same command goes on where it stopped. Exit codes: 0 all cells done, 2 bad input,
    3 some cells failed, 130 interrupted.
    """
    from rich.console import Console

    from bench.backbones import BACKBONES
    from bench.sweep.config import load_config
    from bench.sweep.run import run_sweep

    given: dict[str, Any] = {
        "fusion": fusion, "backbone": backbone, "domain": domain, "seed": seed and ",".join(seed), "protocol": protocol,
        "warmup": warmup, "eval": eval, "match_params": match_params, "test_pairs": test_pairs, "size": size,
        "textures": textures and str(textures), "include": include, "device": device, "jobs": jobs, "threads": threads,
        "seeds_together": seeds_together, "timeout": timeout, "retry": retry, "out": out,
        "executor": executor, "observer": observer, "profile": profile, "tensorboard": tensorboard,
        "recipe": _recipe(recipe, objective, aux, precision), "warmup_recipe": fields("--warmup-recipe", warmup_recipe),
    }  # fmt: skip
    settings = load_config({key: value for key, value in given.items() if value is not None}, config)
    BACKBONES.load_built_in()
    # What is imported stays; otherwise the collector goes through all of it again while thousands of records are read.
    gc.freeze()
    code = run_sweep(settings, ["bench", *sys.argv[1:]], Console(stderr=True), dry_run)
    raise typer.Exit(code)


def _recipe(recipe: Names, objective: str | None, aux: Names, precision: str | None) -> dict[str, Any] | None:
    """The fields of the recipe that were given, among them those that have options of their own."""
    own = {"objective": objective, "auxiliary": fields("--aux", aux), "precision": precision}
    given = {**(fields("--recipe", recipe) or {}), **{name: value for name, value in own.items() if value is not None}}
    return given or None


def fields(option: str, parts: Names) -> dict[str, Any] | None:
    """``a=1,b=2`` as a mapping; values are YAML scalars."""
    import yaml

    if parts is None:
        return None
    fields = {}
    for part in ",".join(parts).split(","):
        key, sign, value = part.partition("=")
        if not sign:
            raise UsageError(f"{option} {part!r}: expected field=value")
        try:
            fields[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise UsageError(f"{option} {part!r}: {value!r} is no number, word or true or false") from None
    return fields
