"""``bench eval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.options import IncludeOption, Names, emit, load_zoo, table_text


def evaluate(
    model: Annotated[
        Path, typer.Argument(help="Stored model: its file, a run folder and the start of its key, or a folder of them.")
    ],
    eval_: Annotated[
        Names, typer.Option("--eval", help="all (default), companions, shifts of the domain, or domains, as bench run.")
    ] = None,
    out: Annotated[Optional[Path], typer.Option(help="Folder of the records (default: the run of the model).")] = None,
    include: IncludeOption = None,
) -> None:
    """Test kept models on other domains without training: appends a record as bench run --eval would leave it.

    What has a record is not computed again.
    """
    from rich.table import Table
    from rich.text import Text

    from bench.metrics import metric_position
    from bench.models.evaluate import evaluate_models
    from bench.models.files import find_models
    from bench.models.restore import restore
    from bench.sweep.config_values import split_names
    from bench.text import MISSING, either, printable

    def say(line: str) -> None:
        typer.echo(printable(line), err=True)

    load_zoo(include)
    models = [restore(file) for file in find_models(model)]
    records = evaluate_models(models, split_names(eval_ or ["all"]), out, say)
    header = ("fusion", either(record.repeats for record in records), "tested on", "accuracy", "f1", "AUC")
    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for record in records:
        for domain, tested in record.eval.items():
            values = [tested.values[metric_position(name)] for name in ("accuracy", "f1", "auc")]
            shown = [MISSING if value is None else f"{value:.3f}" for value in values]
            table.add_row(*(Text(printable(cell)) for cell in (record.fusion, str(record.seed), domain, *shown)))
    emit(table_text(table))
