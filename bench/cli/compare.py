"""``bench compare``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.options import (
    FactorOption,
    GateFormatOption,
    JudgedOption,
    MarginOption,
    MissingOption,
    OutOption,
    emit,
    save,
)

if TYPE_CHECKING:
    from bench.gate.comparison import Comparison, Rules


def compare(
    base: Annotated[Path, typer.Argument(help="Run folder, .jsonl of records, or leaderboard .csv (means only).")],
    new: Annotated[Path, typer.Argument(help="The same, of the code to judge.")],
    metric: JudgedOption = "accuracy",
    margin: MarginOption = None,
    factor: FactorOption = None,
    allow_missing: MissingOption = False,
    format_name: GateFormatOption = "table",
    out: OutOption = None,
) -> None:
    """Say what got worse between two runs: parameters and data exactly, scores paired by seed, speed by rank test.

    Exit codes: 0 nothing got worse, 1 something did, 2 bad input or nothing to compare, 3 cells missing or failed.
    """
    rules = rules_of(metric, margin, factor, allow_missing)
    judge(base, new, rules, format_name, out)


def rules_of(metric: str, margin: float | None, factor: float | None, allow_missing: bool) -> Rules:
    """The rules that options stand for; a metric that is not judged raises ``UsageError``."""
    from bench.gate.comparison import Rules
    from bench.gate.quality import JUDGED
    from bench.records.columns import choose_one

    share = None if margin is None else margin / 100
    return Rules(choose_one(metric, JUDGED, "--metric"), share, factor, allow_missing)


def judge(base: Path, new: Path, rules: Rules, format_name: str, out: Path | None) -> None:
    """Compare, print, and exit with the code of the comparison."""
    from bench.gate import formats
    from bench.gate.comparison import compare as compare_sides
    from bench.gate.read import read_side
    from bench.records.columns import choose_one

    render = formats.FORMATS[choose_one(format_name, formats.FORMATS, "--format")]
    comparison = compare_sides(read_side(base), read_side(new), rules)
    if out is None:
        emit(render(comparison))
    else:
        save(render(comparison), out)
        typer.echo(comparison.summary, err=True)
    if format_name == "github":
        _write_step_summary(comparison)
    raise typer.Exit(comparison.exit_code)


def _write_step_summary(comparison: Comparison) -> None:
    """Append the Markdown table to the page of the workflow run, where GitHub Actions names one."""
    from bench.gate.formats import to_markdown

    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(to_markdown(comparison))
