"""``bench report``: from records to tables."""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from bench.cli.options import IncludeOption, OutOption, RunsArgument, deliver, load_plugins, name_left_out
from bench.errors import StorageError, UsageError
from bench.memory import collector_paused
from bench.metrics import metric_names


def report(
    paths: RunsArgument,
    metric: Annotated[
        str,
        typer.Option(help=f"Metrics to show; the first one orders the rows. Out of {', '.join(metric_names())}."),
    ] = "accuracy,f1,auc",
    cost: Annotated[
        str,
        typer.Option(
            help="Cost columns to show, or none. Pairs/s (train, infer) differ from run to run, the others do not."
        ),
    ] = "params,macs,train,infer",
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="terminal (default on one), md (default elsewhere), csv, tex, json, html, or one of --include.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Also what is not shown on a terminal: prose, blocks, provenance.")
    ] = False,
    out: OutOption = None,
    baseline: Annotated[
        str | None,
        typer.Option(help="Compare every fusion with this one by the first metric, and conclude in plain words."),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Difference of no interest, in points (default: equivalence_margin of the runs, or 1)."),
    ] = None,
    include: IncludeOption = None,
) -> None:
    """Print the tables of one or more runs, and write leaderboard.csv beside the records of each.

    One section per protocol, warm-up, recipe and training domain: mean and 95 % t interval over seeds or replicates,
    costs, failed cells with their messages. Bold: not worse than the best. References and controls, shifts, and kinds
    of pairs have blocks of their own; shifts show the first metric. With --baseline each table is followed by the
    paired differences, adjusted for their number, and the report starts with what they say.
    """
    from bench.formats import choose_format
    from bench.records import leaderboard
    from bench.records.columns import choose_costs, choose_metrics
    from bench.records.load import load_runs
    from bench.records.margins import checked, margin_of
    from bench.report.formats import REPORT_FORMATS
    from bench.report.report import build

    load_plugins(include)
    metrics, costs = choose_metrics(metric), choose_costs(cost)
    for_terminal = "terminal:verbose=true" if verbose else "terminal"
    default = for_terminal if out is None and sys.stdout.isatty() else "md"
    form = choose_format(REPORT_FORMATS, format_name or default)
    if margin is not None and baseline is None:
        raise UsageError("--margin belongs to --baseline")
    with collector_paused():
        runs = load_runs(paths)
        name_left_out(paths, runs)
        declared = (run.header for run in runs if baseline)
        share = margin_of(declared, "equivalence_margin") if margin is None else checked(margin)
        whole = build(runs, metrics, costs, baseline, share)
        for run in runs:
            entries = whole.entries if len(runs) == 1 else build([run], metrics, costs).entries
            try:
                leaderboard.write_beside(run.folder, leaderboard.to_csv(leaderboard.rows(entries)))
            except StorageError as error:
                typer.echo(f"warning: not written: {error}", err=True)
        text = form.render(whole)
    # Nor at the end of the process.
    gc.freeze()
    deliver(text, out)
    form.publish(whole)
