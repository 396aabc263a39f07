"""``bench advise``."""

from __future__ import annotations

from typing import Annotated, Optional, get_args

import typer

from bench.cli.options import emit


def advise(
    domain: Annotated[
        Optional[str], typer.Option(help="Pairs like those of this domain: its own, or else aligned or not as its are.")
    ] = None,
    protocol: Annotated[
        Optional[str], typer.Option(help="How you train: scratch, finetune or frozen; by default any.")
    ] = None,
    include: Annotated[Optional[list[str]], typer.Option(help="Plug-in file or folder; may be repeated.")] = None,
) -> None:
    """Print which join the studies found best for pairs like yours, with what ties and what it gains.

    What holds for your own images, bench choose finds out.
    """
    from bench import zoo
    from bench.advise.cases import aligned_as, measured_on
    from bench.advise.table import grid
    from bench.domain import DOMAINS, build_domain
    from bench.errors import UsageError
    from bench.records.columns import choose_one
    from bench.training.recipe import Protocol

    zoo.load(include or ())
    choice = DOMAINS.settle(domain) if domain else None
    if protocol is not None:
        protocol = choose_one(protocol, get_args(Protocol), "--protocol")
    cases = measured_on(str(choice), protocol) if choice else []
    # Only what no study measured is looked into, which takes its files.
    cases = cases or aligned_as(build_domain(choice).aligned if choice else None, protocol)
    if not cases:
        raise UsageError("no study tells of such pairs; bench choose asks your own images")
    emit(grid(cases).markdown() + "\n")
