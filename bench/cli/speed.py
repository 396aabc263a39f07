"""``bench speed``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.options import BackboneOption, FusionOption, IncludeOption, Names, emit, load_zoo, refuse_given
from bench.errors import UsageError
from bench.text import names_in

if TYPE_CHECKING:
    from bench.speed.rows import Row

MODE_NAMES = "infer,train,head,cached"


# Parameters that comparing has no use for.
OF_MEASURING = (
    "fusion", "backbone", "mode", "batch", "device", "dtype", "memory_format", "threads", "rounds", "include",
)  # fmt: skip


def speed(
    context: typer.Context,
    fusion: FusionOption = None,
    backbone: BackboneOption = None,
    mode: Annotated[
        str, typer.Option(help="infer: end to end; train: one step; head: fusion and head alone; cached: N x N.")
    ] = MODE_NAMES,
    batch: Annotated[
        str, typer.Option(help="Pairs per call; 1 and 32 are always among them; best: of the highest rate.")
    ] = "1,32",
    device: Annotated[str, typer.Option(help="cpu, cuda.")] = "cpu,cuda",
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 (autocast).")] = "float32",
    memory_format: Annotated[str, typer.Option(help="channels_last, contiguous.")] = "channels_last",
    threads: Annotated[str, typer.Option(help="CPU threads of the measuring process, such as 1,2.")] = "1",
    rounds: Annotated[int, typer.Option(min=1, max=10_000, help="Every row is measured once per round.")] = 5,
    include: IncludeOption = None,
    compare: Annotated[
        Optional[tuple[str, str]],
        typer.Option(metavar="A B", help="Measure nothing: do two runs agree? By name, file or folder (its last run)."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of speed.jsonl, which every run appends to.")] = Path(
        "results/speed"
    ),
    format_name: Annotated[str, typer.Option("--format", help="md, csv or json.")] = "md",
) -> None:
    """Measure time and memory: every row in processes of its own, all rows in turn, round after round.

    Refuses to start beside a sweep. Exit codes: 0 done, 2 bad input or a sweep is running, 3 a row failed, 130
    interrupted; with --compare 0 where 9 of 10 rows agree within 5 %, the others are flagged noisy and no row failed
    in one run only, else 1.
    """
    from bench.records.columns import choose_one
    from bench.speed import table

    name = choose_one(format_name, table.FORMATS, "--format")
    if compare is not None:
        refuse_given(context, OF_MEASURING, "--compare measures nothing; leave out")
        _compare(*compare, out, name)
    axes = {"mode": mode, "device": device, "dtype": dtype, "memory_format": memory_format}
    rows = _rows(fusion, backbone, axes, batch, threads, tuple(include or ()))
    _measure(rows, rounds, tuple(include or ()), out, name)


def _rows(
    fusion: Names, backbone: Names, axes: dict[str, str], batch: str, threads: str, include: tuple[str, ...]
) -> list[Row]:
    from bench.records.columns import choose
    from bench.speed.rows import DEVICES, DTYPES, MODES, Axes, batches, positive
    from bench.sweep.execution import MEMORY_FORMATS

    allowed = {"mode": MODES, "device": DEVICES, "dtype": DTYPES, "memory_format": MEMORY_FORMATS}
    chosen = {name: choose(text, allowed[name], f"--{name.replace('_', '-')}") for name, text in axes.items()}
    counts = positive(threads, "--threads")
    if not counts:
        raise UsageError("--threads: no number given")
    load_zoo(include)
    defaults = {"fusion": (fusion, "all"), "backbone": (backbone, "mobilenetv3_small_32")}
    names = {option: names_in(*given or [default]) for option, (given, default) in defaults.items()}
    for option in names:
        if not names[option]:
            raise UsageError(f"--{option}: no name given")
    return Axes(**names, **chosen, batch=batches(batch), threads=counts).rows()  # type: ignore[arg-type]


def _measure(rows: list[Row], rounds: int, include: tuple[str, ...], out: Path, format_name: str) -> None:
    from rich.console import Console

    from bench.speed.records import SpeedFile
    from bench.speed.run import measure
    from bench.speed.table import FORMATS

    command = shlex.join(["bench", *sys.argv[1:]])
    records, code = measure(rows, rounds, SpeedFile(out), include, command, Console(stderr=True))
    if records:
        emit(FORMATS[format_name](records))
    raise typer.Exit(code)


def _compare(base: str, new: str, out: Path, format_name: str) -> None:
    from bench.speed.agreement import FORMATS, compare
    from bench.speed.records import read_run

    agreement = compare(read_run(base, out), read_run(new, out))
    emit(FORMATS[format_name](agreement))
    raise typer.Exit(0 if agreement.holds else 1)
