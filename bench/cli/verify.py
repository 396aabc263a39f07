"""``bench verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.options import IncludeOption, emit, load_zoo

WRONG = 1


def verify(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Run folders with raw records, or what lies above them.")
    ],
    include: IncludeOption = None,
) -> None:
    """Check that raw records are whole and as bench run wrote them, before they are handed in or built on.

    Every line, the cells that were asked for, the keys that this code gives, and metrics where scores are stored. Exit
    codes: 0 nothing is wrong, 1 something is, 2 bad input.
    """
    from bench.records.folder import find_all_runs
    from bench.verify.whole import verify as remarks_on

    load_zoo(include)
    text, is_wrong = "", False
    for folder in (found for path in paths for found in find_all_runs(path)):
        remarks = remarks_on(folder)
        wrong = any(remark.is_wrong for remark in remarks)
        is_wrong |= wrong
        text += f"{folder.path}: {'WRONG' if wrong else 'nothing is wrong'}\n"
        text += "".join(f"  {'wrong' if remark.is_wrong else 'note'}: {remark.text}\n" for remark in remarks)
    emit(text)
    raise typer.Exit(WRONG if is_wrong else 0)
