"""``bench plot``: from a leaderboard or from records to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.plugins import IncludeOption, load_plugins
from bench.cli.report import name_left_out
from bench.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.plots.gallery import Source

SUFFIXES = (".png", ".svg")
PSYCHOMETRIC = "psychometric"


def plot(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="A leaderboard.csv, or run folders (or folders of them), read together."),
    ],
    kind: Annotated[
        Optional[str],
        typer.Option(
            help="pareto, bars, heatmap, ranks, shifts, curves, sample-efficiency, scores, psychometric, several, or "
            "all (default)."
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Metric to draw.")] = "accuracy",
    curve: Annotated[
        Optional[str], typer.Option(help="Psychometric curves of radius, contrast or noise, or several.")
    ] = None,
    domain: Annotated[Optional[str], typer.Option(help="Domains trained on (default: all).")] = None,
    fusion: Annotated[
        Optional[str],
        typer.Option(help="Fusions to draw (default: all, or the best 8 where lines would cover others)."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="A folder, or for a single picture a file that ends in .png or .svg.")
    ] = Path("plots"),
    suffix: Annotated[str, typer.Option("--format", help="png, svg or both, for pictures in a folder.")] = "png",
    include: IncludeOption = None,
) -> None:
    """Draw a leaderboard: Pareto fronts, bars, heat maps, ranks, shifts; and from records also curves and scores.

    One picture per table, and per backbone where a picture has room for one alone. A leaderboard.csv is enough for all
    kinds but curves, sample-efficiency, scores and psychometric (accuracy against radius, contrast or noise), which
    need the run folders.
    """
    from bench.metrics import metric_names
    from bench.plots.gallery import KINDS, Source
    from bench.records.columns import choose, choose_one

    load_plugins(include)
    _check(out)
    suffixes = [f".{name}" for name in choose(suffix, ("png", "svg"), "--format")]
    allowed = (*KINDS, PSYCHOMETRIC)
    asked = choose(kind or (PSYCHOMETRIC if curve else "all"), (*allowed, "all"), "--kind")
    choose_one(metric, metric_names(), "--metric")
    source = Source.read(paths)
    name_left_out(path for path in paths if path.suffix != ".csv")
    domains = choose(domain, sorted(source.lines["domain"].unique()), "--domain") if domain else ()
    fusions = choose(fusion, sorted(source.lines["fusion"].unique()), "--fusion") if fusion else ()
    kinds = allowed if "all" in asked else asked
    drawn: dict[str, Figure] = {}
    missing: list[str] = []
    for name in kinds:
        found, reasons = _draw(name, source.chosen(domains, fusions), metric, curve, fusions)
        drawn |= found
        missing += reasons
    if not drawn:
        raise UsageError("; ".join(missing))
    for line in missing:
        typer.echo(f"not drawn: {line}", err=True)
    _write(drawn, out, suffixes)


def _draw(
    kind: str, source: Source, metric: str, curve: str | None, fusions: Sequence[str]
) -> tuple[dict[str, Figure], list[str]]:
    """The pictures of one kind by name, and why others are missing."""
    from bench.plots.gallery import pictures

    if kind == PSYCHOMETRIC:
        try:
            return {PSYCHOMETRIC: _psychometric(source, curve, fusions)}, []
        except UsageError as error:
            return {}, [f"{kind}: {error}"]
    found = list(pictures(source, kind, metric, fusions))
    drawn = {picture.name: picture.figure for picture in found if picture.figure is not None}
    return drawn, [picture.missing for picture in found if picture.missing]


def _psychometric(source: Source, curve: str | None, fusions: Sequence[str]) -> Figure:
    from bench.plots.psychometric import FACTORS, MOST_FUSIONS, Sweeps, draw_curves
    from bench.records.columns import choose
    from bench.records.sections import sections_of

    sweeps = Sweeps(sections_of(source.entries), choose(curve, FACTORS, "--curve") if curve else ())
    chosen = [name for name in sweeps.fusions if name in fusions]
    if len(chosen) > MOST_FUSIONS:
        raise UsageError(f"--fusion: at most {MOST_FUSIONS} can be told apart in one picture, got {len(chosen)}")
    return draw_curves(sweeps.rows(chosen))


def _check(out: Path) -> None:
    if out.suffix and out.suffix.lower() not in SUFFIXES and not out.is_dir():
        raise UsageError(f"--out {out}: expected a folder, or a file that ends in {' or '.join(SUFFIXES)}")


def _write(drawn: dict[str, Figure], out: Path, suffixes: Iterable[str]) -> None:
    if out.suffix.lower() in SUFFIXES:
        if len(drawn) > 1:
            raise UsageError(f"--out {out}: {len(drawn)} pictures ({', '.join(drawn)}); choose one, or give a folder")
        files = [(out, figure) for figure in drawn.values()]
    else:
        files = [(out / f"{name}{suffix}", figure) for name, figure in drawn.items() for suffix in suffixes]
    try:
        if out.suffix.lower() not in SUFFIXES:
            out.mkdir(parents=True, exist_ok=True)
        for file, figure in files:
            figure.savefig(file)
            typer.echo(f"wrote {file}", err=True)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
