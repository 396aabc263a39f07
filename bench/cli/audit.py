"""``bench audit``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import IncludeOption, Names, emit
from bench.errors import UsageError

FORMATS = ("table", "md", "json")


def audit(
    domain: Annotated[str, typer.Argument(help="A domain with parameters: color, texture:difficulty=hard.")],
    n: Annotated[int, typer.Option("--n", help="Test pairs; half as many train the baselines.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws; 0 is the test set of all sweeps.")] = 0,
    baseline: Annotated[Names, typer.Option(help="Baselines to run; commas or repeated.")] = None,
    format_name: Annotated[str, typer.Option("--format", help="table, md or json.")] = "table",
    include: IncludeOption = None,
    threads: Annotated[int, typer.Option(min=1, help="CPU threads of the networks.")] = 2,
) -> None:
    """Search a domain for shortcuts: eight baselines that must stay at chance, and checks of what was drawn.

    Exit codes: 0 passed, 1 a row is a leak or, with 20,000 test pairs or more, undecided, 2 bad input.
    """
    if format_name not in FORMATS:
        raise UsageError(f"--format {format_name!r}: expected one of {', '.join(FORMATS)}")
    import torch
    from rich.console import Console

    from bench import zoo
    from bench.audit import render
    from bench.audit.run import BASELINES, run_audit

    zoo.load(include or ())
    torch.set_num_threads(threads)
    chosen = ",".join(baseline).split(",") if baseline else list(BASELINES)
    with Console(stderr=True).status(f"audit of {domain}") as status:
        found = run_audit(domain, n, seed, chosen, on_baseline=lambda name: status.update(f"{domain}: {name}"))
    emit(render.FORMATS[format_name](found))
    raise typer.Exit(0 if found.passed else 1)
