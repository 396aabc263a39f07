"""``bench export``: what is here, for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.export_data import data
from bench.cli.options import IncludeOption, ModelArgument, RunsArgument, deliver, load_zoo, name_left_out
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


@export.command()
def model(
    model: ModelArgument,
    format_name: Annotated[str, typer.Option("--format", help="onnx, pt2 (torch.export) or torchscript.")] = "onnx",
    out: Annotated[Optional[Path], typer.Option(help="File to write (default: KEY.FORMAT in this folder).")] = None,
    include: IncludeOption = None,
) -> None:
    """Write a kept model as one graph: two batches of uint8 images (N, C, H, W) to scores (N,) and probabilities (N,).

    Preparation, offset and calibration are inside. The file is read again and compared with the original on test
    pairs. Exit codes: 0 written, 2 bad input or not to be expressed, 3 scores differ and nothing is written.
    """
    from bench.atomic import check_writable, write_bytes_atomically
    from bench.models.export import FORMATS, LARGEST_DIFFERENCE
    from bench.models.export import export as exported
    from bench.models.restore import restore
    from bench.records.columns import choose_one

    form = choose_one(format_name, tuple(FORMATS), "--format")
    load_zoo(include)
    stored = restore(model)
    file = out or Path(f"{stored.card.key}.{form}")
    check_writable(file)
    typer.echo(f"{stored.card.key}: written as {form} and compared with what it is", err=True)
    made = exported(stored, form)
    on = f"{made.pairs} {'test pairs' if made.on_test else 'pairs of noise'}"
    if not made.is_faithful:
        typer.echo(
            f"not written: a score differs by {made.difference:.1e} on {on}; {LARGEST_DIFFERENCE:g} is allowed. "
            f"--format {' or '.join(name for name in FORMATS if name != form)} may express it",
            err=True,
        )
        raise typer.Exit(3)
    write_bytes_atomically(file, made.content)
    unchecked = "not checked: onnxruntime is not installed; pip install 'fusebench[onnx]'"
    checked = unchecked if made.difference is None else f"largest difference of a score {made.difference:.1e} on {on}"
    typer.echo(f"wrote {file} ({len(made.content) / 10**6:.1f} MB): {checked}", err=True)


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
