"""The command line. Nothing in this package imports torch, timm, pandas or matplotlib at module level."""

from __future__ import annotations

import os
import sys

import typer

from bench.cli.audit import audit
from bench.cli.check import check
from bench.cli.compare import compare
from bench.cli.conformance import test
from bench.cli.doctor import doctor
from bench.cli.fingerprint import fingerprint
from bench.cli.listing import list_entries
from bench.cli.plot import plot
from bench.cli.report import report
from bench.cli.run import run
from bench.cli.show import show
from bench.cli.speed import speed
from bench.errors import UsageError

app = typer.Typer(
    name="bench",
    help="Benchmark how a network should join two images: fusions x backbones x seeds x domains.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("run")(run)
app.command("report")(report)
app.command("plot")(plot)
app.command("compare")(compare)
app.command("check")(check)
app.command("fingerprint")(fingerprint)
app.command("list")(list_entries)
app.command("show")(show)
app.command("test")(test)
app.command("audit")(audit)
app.command("speed")(speed)
app.command("doctor")(doctor)


def main() -> None:
    """Entry point of ``bench`` and ``fusebench``: bad input becomes one line on stderr and exit code 2."""
    # Weights are only taken from the local cache, unless the user says otherwise.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        app()
    except UsageError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
