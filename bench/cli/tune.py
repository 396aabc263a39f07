"""``bench tune``."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from bench.cli.options import Names, emit, options_of
from bench.errors import UsageError


@options_of("bench.sweep.config:SweepConfig", ("part", "store", "out"))
def tune(
    over: Annotated[
        Names,
        typer.Option(help="Fields of the recipe: lr=1e-4..1e-1:log,weight_decay=0..0.1,optimizer=adamw|sgd."),
    ] = None,
    trials: Annotated[
        str,
        typer.Option(
            help="Recipes for each fusion, the default one among them; grid: all combinations of listed values."
        ),
    ] = "16",
    select: Annotated[str, typer.Option(help="Metric of the validation pairs that the best is chosen by.")] = "auc",
    tuning_replicates: Annotated[
        int, typer.Option(min=1, max=1_000, help="Replicates of each trial, none of which is tested on later.")
    ] = 1,
    config: Annotated[
        Optional[list[Path]], typer.Option(help="As for bench run: YAML file, built-in configuration, or run.json.")
    ] = None,
    out: Annotated[Optional[str], typer.Option(help="Folder of the tuning (default: results/tuning).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan of the trials and stop.")] = False,
    **given: Any,
) -> None:
    """Give every fusion the same recipes to try, choose on validation, test before and after on fresh replicates.

    Interrupted or repeated, the same command goes on where it stopped. Writes the chosen recipes to best/ in --out, for
    bench run --config. Exit codes: 0 all done, 2 bad input, 3 some cells failed, 130 interrupted.
    """
    from rich.console import Console

    from bench.backbones import BACKBONES
    from bench.sweep.config import load_config
    from bench.tune.run import Tuning
    from bench.tune.run import tune as run_tuning
    from bench.tune.space import read_space, read_trials

    if "seed" in given:
        raise UsageError("--seed: trials and tests are replicates, which share nothing; use --replicates")
    tuning = Tuning(read_space(over or ()), read_trials(trials), select, tuning_replicates)
    settings = load_config(given | ({} if out is None else {"out": out}), *(config or ()))
    if settings.part:
        raise UsageError(f"part {settings.part}: what is chosen depends on all trials; a tuning has no parts")
    if settings.store:
        raise UsageError(f"store {settings.store}: only bench run keeps anything there")
    if "out" not in settings.model_fields_set:
        settings = settings.model_copy(update={"out": "results/tuning"})
    BACKBONES.load_built_in()
    # As in bench run: the collector would go through all that is imported again while records are read.
    gc.freeze()
    end = run_tuning(settings, tuning, ["bench", *sys.argv[1:]], Console(stderr=True), dry_run)
    if end.table:
        emit(end.table)
    raise typer.Exit(end.code)
