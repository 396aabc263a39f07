"""``bench history``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.options import IncludeOption, OutOption, deliver, load_plugins
from bench.cli.plot import check_pictures, write_pictures


def history(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="A committed .jsonl of records, whose commits are the versions, or runs."),
    ],
    metric: Annotated[str, typer.Option(help="Metric on the domain trained on.")] = "accuracy",
    domain: Annotated[Optional[str], typer.Option(help="Domains trained on; names or globs (default: all).")] = None,
    fusion: Annotated[Optional[str], typer.Option(help="Fusions; names or globs (default: all).")] = None,
    last: Annotated[int, typer.Option(min=2, max=1000, help="Newest versions to show.")] = 6,
    format_name: Annotated[
        Optional[str], typer.Option("--format", help="terminal (default on one), md (default elsewhere) or csv.")
    ] = None,
    out: OutOption = None,
    picture: Annotated[
        Optional[Path],
        typer.Option(help="Draw it as well: a folder, or for one table a file that ends in .png, .svg or .pdf."),
    ] = None,
    include: IncludeOption = None,
) -> None:
    """Show a metric of each fusion over the commits of a committed baseline, or over several runs.

    bench check says what of it is a regression.
    """
    from bench.errors import UsageError
    from bench.history.table import FORMATS
    from bench.history.versions import read_versions
    from bench.metrics import metric_names
    from bench.plots.contract import Source
    from bench.plots.gallery import draw
    from bench.plots.history import HistoryPlot
    from bench.records.columns import choose, choose_one
    from bench.records.entries import entries_of
    from bench.records.load import pool
    from bench.verdicts.history import histories_of

    load_plugins(include)
    name = choose_one(format_name or ("terminal" if out is None and sys.stdout.isatty() else "md"), FORMATS, "--format")
    metric = choose_one(metric, metric_names(), "--metric")
    if picture is not None:
        check_pictures("--picture", picture)
    versions = read_versions(paths, last)
    for sentence in versions.left_out:
        typer.echo(f"left out: {sentence}", err=True)
    entries = entries_of(pool(versions.runs).cells)
    domains, fusions = (
        choose(given, sorted({str(getattr(entry.group, column)) for entry in entries}), f"--{column}") if given else ()
        for column, given in (("domain", domain), ("fusion", fusion))
    )
    source = Source((), versions.runs, entries).chosen(domains, fusions)
    found = histories_of(source.runs, metric, {entry.group for entry in source.entries})
    if not found:
        raise UsageError(f"no {metric} in any of them")
    deliver(FORMATS[name](found, versions), out)
    if picture is not None:
        drawn, missing = draw([HistoryPlot()], source, metric, fusions)
        for line in missing:
            typer.echo(f"not drawn: {line}", err=True)
        write_pictures("--picture", drawn, picture, [".png"])
