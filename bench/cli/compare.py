"""``bench compare``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.plugins import IncludeOption, load_plugins
from bench.errors import UsageError
from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.gate.comparison import Comparison, Rules


def judged() -> tuple[str, ...]:
    """Names of the metrics that the gate may judge by."""
    return tuple(metric.name for metric in METRICS.classes if metric.judged)


MetricOption = Annotated[str, typer.Option(help=f"On the domain trained on; one of {', '.join(judged())}.")]
MarginOption = Annotated[
    Optional[float],
    typer.Option(min=0, help="Drop that is of no interest, in points (default: gate_margin of the new run, or 1)."),
]
FactorOption = Annotated[
    Optional[float],
    typer.Option(min=1, help="Slowdown that is still noise (default: that of the baseline, else none is judged)."),
]
MissingOption = Annotated[bool, typer.Option("--allow-missing", help="The new run may lack cells of the baseline.")]
FormatOption = Annotated[str, typer.Option("--format", help="table, md, json, junit or github.")]
OutOption = Annotated[Optional[Path], typer.Option(help="Write here instead of to stdout.")]


def compare(
    base: Annotated[Path, typer.Argument(help="Run folder, .jsonl of records, or leaderboard .csv (means only).")],
    new: Annotated[Path, typer.Argument(help="The same, of the code to judge.")],
    metric: MetricOption = "accuracy",
    margin: MarginOption = None,
    factor: FactorOption = None,
    allow_missing: MissingOption = False,
    format_name: FormatOption = "table",
    out: OutOption = None,
    include: IncludeOption = None,
) -> None:
    """Say what got worse between two runs: parameters and data exactly, scores paired by seed, speed by rank test.

    Exit codes: 0 nothing got worse, 1 something did, 2 bad input or nothing to compare, 3 cells missing or failed.
    """
    load_plugins(include)
    rules = rules_of(metric, margin, factor, allow_missing)
    judge(base, new, rules, format_name, out)


def rules_of(metric: str, margin: float | None, factor: float | None, allow_missing: bool) -> Rules:
    """The rules that options stand for; a metric that is not judged raises ``UsageError``."""
    from bench.gate.comparison import Rules
    from bench.records.columns import choose_one

    share = None if margin is None else margin / 100
    return Rules(choose_one(metric, judged(), "--metric"), share, factor, allow_missing)


def judge(base: Path, new: Path, rules: Rules, format_name: str, out: Path | None) -> None:
    """Compare, print, and exit with the code of the comparison."""
    from bench.gate import formats
    from bench.gate.comparison import compare as compare_sides
    from bench.gate.read import read_side
    from bench.records.columns import choose_one

    render = formats.FORMATS[choose_one(format_name, formats.FORMATS, "--format")]
    comparison = compare_sides(read_side(base), read_side(new), rules)
    if out is None:
        # As bytes: a terminal or pipe without UTF-8 must not end the command.
        typer.echo(render(comparison).encode(), nl=False)
    else:
        _write(out, render(comparison))
        typer.echo(comparison.summary, err=True)
    if format_name == "github":
        _write_step_summary(comparison)
    raise typer.Exit(comparison.exit_code)


def _write(out: Path, text: str) -> None:
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None


def _write_step_summary(comparison: Comparison) -> None:
    """Append the Markdown table to the page of the workflow run, where GitHub Actions names one."""
    from bench.gate.formats import to_markdown

    page = os.environ.get("GITHUB_STEP_SUMMARY")
    if page:
        with Path(page).open("a", encoding="utf-8") as file:
            file.write(to_markdown(comparison))
