"""``bench compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.atomic import write_text_atomically
from bench.cli.options import (
    FactorOption,
    GateFormatOption,
    IncludeOption,
    JudgedOption,
    MarginOption,
    MissingOption,
    OutOption,
    emit,
    load_plugins,
)

if TYPE_CHECKING:
    from bench.gate.comparison import Rules


def compare(
    base: Annotated[Path, typer.Argument(help="Run folder, .jsonl of records, or leaderboard .csv (means only).")],
    new: Annotated[Path, typer.Argument(help="The same, of the code to judge.")],
    metric: JudgedOption = "accuracy",
    margin: MarginOption = None,
    factor: FactorOption = None,
    allow_missing: MissingOption = False,
    format_name: GateFormatOption = "table",
    out: OutOption = None,
    include: IncludeOption = None,
) -> None:
    """Say what got worse between two runs: parameters and data exactly, scores by seed or replicate, speed by ranks.

    Exit codes: 0 nothing got worse, 1 something did, 2 bad input or nothing to compare, 3 cells missing or failed.
    """
    load_plugins(include)
    rules = rules_of(metric, margin, factor, allow_missing)
    judge(base, new, rules, format_name, out)


def rules_of(metric: str, margin: float | None, factor: float | None, allow_missing: bool) -> Rules:
    """The rules that options stand for; a metric that is not judged raises ``UsageError``."""
    from bench.gate.comparison import Rules
    from bench.metrics import judged_metrics
    from bench.records.columns import choose_one

    share = None if margin is None else margin / 100
    return Rules(choose_one(metric, judged_metrics(), "--metric"), share, factor, allow_missing)


def judge(base: Path, new: Path, rules: Rules, format_name: str, out: Path | None) -> None:
    """Compare, print, and exit with the code of the comparison."""
    from bench.formats import choose_format
    from bench.gate.comparison import compare as compare_sides
    from bench.gate.formats import CHECK_FORMATS
    from bench.gate.read import read_side

    form = choose_format(CHECK_FORMATS, format_name)
    comparison = compare_sides(read_side(base), read_side(new), rules)
    if out is None:
        emit(form.render(comparison))
    else:
        write_text_atomically(out, form.render(comparison))
        typer.echo(comparison.summary, err=True)
    form.publish(comparison)
    raise typer.Exit(comparison.exit_code)
