"""``bench predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.cli.options import IncludeOption, ModelArgument, OutOption, deliver, emit, load_zoo, table_text


def predict(
    model: ModelArgument,
    images: Annotated[
        list[str],
        typer.Argument(metavar="A B | PAIRS.csv", help="Two images, or a CSV file of a, b and (optional) label."),
    ],
    against: Annotated[
        Optional[Path], typer.Option(help="Folder of images: the best matches there of one image, or of a folder.")
    ] = None,
    top: Annotated[Optional[int], typer.Option(min=1, help="With --against, matches of each image (10).")] = None,
    format_name: Annotated[str, typer.Option("--format", help="table, csv or json.")] = "table",
    out: OutOption = None,
    include: IncludeOption = None,
) -> None:
    """Are these images the same? Asks a model that bench run --save kept.

    Images of any size are prepared as those of the domain folder. A score above 0 means same; the probability is
    calibrated on the validation pairs. Of a list with labels, the accuracy is said.
    """
    from bench.errors import StorageError, UsageError
    from bench.models.predict import TEXTS, as_table, predict_against, predict_files
    from bench.models.restore import restore
    from bench.records.columns import choose_one

    form = choose_one(format_name, ("table", *TEXTS), "--format")
    load_zoo(include)
    stored = restore(model)
    if stored.changed:
        typer.echo(f"warning: {stored.changed}", err=True)
    if against is None and top is not None:
        raise UsageError("--top: is how many matches --against names; without it there are none")
    if against is None:
        found = predict_files(stored, images)
    elif len(images) == 1:
        found = predict_against(stored, Path(images[0]), against, top or 10, lambda line: typer.echo(line, err=True))
    else:
        raise UsageError("--against compares one image, or a folder of them, with a folder")
    if found.accuracy is not None:
        typer.echo(f"accuracy {found.accuracy:.4f} on {len(found.predicted)} labelled pairs", err=True)
    text = TEXTS[form](found) if form in TEXTS else table_text(as_table(found))
    try:
        deliver(text, out)
    except StorageError:
        # Many pairs take long.
        emit(text)
        raise
