"""``bench export``: what is here, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.export_data import data
from bench.cli.options import RunsArgument, deliver, name_left_out
from bench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

export = typer.Typer(
    help="Write what is here for other programs.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


export.command()(data)


@export.command()
def records(
    paths: RunsArgument,
    format_name: Annotated[str, typer.Option("--format", help="csv, or parquet, which needs --out.")] = "csv",
    out: Annotated[Optional[Path], typer.Option(help="File to write; by default CSV goes to stdout.")] = None,
) -> None:
    """Write one row per cell and domain tested on, for R, DuckDB and others: the columns of docs/python.md."""
    from bench.records.columns import choose_one
    from bench.records.frame import frame_of
    from bench.records.load import load_runs

    is_parquet = choose_one(format_name, ("csv", "parquet"), "--format") == "parquet"
    if is_parquet and out is None:
        raise UsageError("--format parquet is not text: give --out FILE")
    runs = load_runs(paths)
    name_left_out(paths, runs)
    frame = frame_of(runs)
    if is_parquet and out is not None:
        _write_parquet(frame, out)
    else:
        deliver(_as_csv(frame), out)


def _as_csv(frame: pd.DataFrame) -> str:
    """The frame as CSV without cells that a spreadsheet would take for formulas."""
    from bench.markup import csv_text

    safe = frame.map(lambda value: csv_text(value) if isinstance(value, str) else value)
    return str(safe.to_csv(index=False, lineterminator="\n"))


def _write_parquet(frame: pd.DataFrame, out: Path) -> None:
    from bench.atomic import write_bytes_atomically

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise UsageError(
            "--format parquet needs pyarrow, which is not installed; get it with pip install 'fusebench[parquet]'"
        ) from None
    write_bytes_atomically(out, frame.to_parquet(index=False))
    typer.echo(f"wrote {out}", err=True)
