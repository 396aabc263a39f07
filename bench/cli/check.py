"""``bench check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.compare import judge, rules_of
from bench.cli.options import (
    FactorOption,
    GateFormatOption,
    IncludeOption,
    JudgedOption,
    MarginOption,
    MissingOption,
    OutOption,
    load_plugins,
    refuse_given,
)
from bench.errors import UsageError

# Parameters that writing a baseline has no use for.
OF_THE_CHECK = "metric", "margin", "allow_missing", "format_name", "out", "include"


def check(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Run folder, or folder of run folders.")],
    baseline: Annotated[
        Optional[Path], typer.Option(help="Committed .jsonl, run folder, or leaderboard .csv (means only).")
    ] = None,
    metric: JudgedOption = "accuracy",
    margin: MarginOption = None,
    factor: FactorOption = None,
    allow_missing: MissingOption = False,
    format_name: GateFormatOption = "table",
    out: OutOption = None,
    include: IncludeOption = None,
    write_baseline: Annotated[
        Optional[Path], typer.Option(metavar="FILE", help="Make PATH the baseline: write FILE and check nothing.")
    ] = None,
    again: Annotated[
        Optional[Path],
        typer.Option(metavar="PATH", help="With --write-baseline: a second run of the same code, to measure --factor."),
    ] = None,
) -> None:
    """Judge a run against a committed baseline, as bench compare does; or make it the baseline.

    Exit codes: 0 nothing got worse, 1 something did, 2 bad input or nothing to compare, 3 cells missing or failed.
    """
    if (baseline is None) == (write_baseline is None):
        raise UsageError("give one of --baseline F (check against it) and --write-baseline FILE (make a new one)")
    if again is not None and write_baseline is None:
        raise UsageError("--again belongs to --write-baseline")
    if again is not None and factor is not None:
        raise UsageError("--again beside --factor: --again measures the factor; give one of them")
    if write_baseline is not None:
        refuse_given(context, OF_THE_CHECK, "--write-baseline checks nothing; leave out, or give --baseline F")
        _write(path, write_baseline, factor, again)
    if baseline is not None:
        load_plugins(include)
        judge(baseline, path, rules_of(metric, margin, factor, allow_missing), format_name, out)


def _write(run: Path, out: Path, factor: float | None, again: Path | None) -> None:
    from bench.gate.baseline import measured_factor, write_baseline
    from bench.text import count_of

    limit = measured_factor(run, again) if again is not None else factor
    cells = write_baseline(run, out, limit)
    rates = f"slowdown up to {limit:g} is noise" if limit else "no factor for the throughput tier"
    typer.echo(f"wrote {out}: {count_of(cells, 'cell')}, {rates}", err=True)
