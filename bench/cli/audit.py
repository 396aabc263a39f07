"""``bench audit``."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.cli.options import IncludeOption, Names, emit, load_zoo
from bench.text import names_in


def audit(
    domain: Annotated[str, typer.Argument(help="A domain with parameters: color, texture:difficulty=hard.")],
    n: Annotated[int, typer.Option("--n", help="Test pairs; half as many train the baselines.")] = 20_000,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="Seed of the draws; 0 is the test set of all sweeps.")
    ] = 0,
    baseline: Annotated[Names, typer.Option(help="all (default), names or globs; commas or repeated.")] = None,
    format_name: Annotated[str, typer.Option("--format", help="table, md, json, or one of --include.")] = "table",
    include: IncludeOption = None,
    threads: Annotated[int, typer.Option(min=1, max=1024, help="CPU threads of the networks.")] = 2,
) -> None:
    """Search a domain for shortcuts: baselines that must stay at chance, and checks of what was drawn.

    With 20,000 test pairs or more, what is undecided is asked once more with three times as many fresh ones.

    Exit codes: 0 passed, 1 a row is a leak or, with 20,000 test pairs or more, undecided, 2 bad input.
    """
    import torch
    from rich.console import Console

    from bench.audit.formats import AUDIT_FORMATS
    from bench.audit.run import run_audit
    from bench.formats import choose_format

    load_zoo(include)
    form = choose_format(AUDIT_FORMATS, format_name)
    torch.set_num_threads(threads)
    chosen = names_in(*baseline or ["all"])
    console = Console(stderr=True)
    with console.status(f"audit of {domain}") as status:

        def begun(name: str) -> None:
            status.update(f"{domain}: {name}")
            # Where no line can be changed, one tells of each.
            if not console.is_terminal:
                typer.echo(f"{domain}: {name} ...", err=True)

        found = run_audit(domain, n, seed, chosen, on_baseline=begun)
    emit(form.render(found))
    form.publish(found)
    raise typer.Exit(0 if found.passed else 1)
