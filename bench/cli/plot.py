"""``bench plot``: from a leaderboard or from records to pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from bench.cli.options import IncludeOption, Names, load_plugins, name_left_out
from bench.errors import UsageError
from bench.text import names_in

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bench.plots.contract import Plot

SUFFIXES = (".png", ".svg", ".pdf")
NARROWEST, WIDEST = 2.0, 40.0


def plot(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="A leaderboard.csv, or run folders (or folders of them), read together."),
    ],
    kind: Annotated[
        Names,
        typer.Option(
            help="Names, globs, name:param=value, or all; commas or repeated. Default: forest, or bars of a "
            "leaderboard.csv, which does not hold every seed or replicate."
        ),
    ] = None,
    metric: Annotated[str, typer.Option(help="Metric to draw.")] = "accuracy",
    curve: Annotated[
        Optional[str],
        typer.Option(help="radius, contrast or noise, or several: short for --kind psychometric:curve=radius."),
    ] = None,
    domain: Annotated[Optional[str], typer.Option(help="Domains trained on; names or globs (default: all).")] = None,
    fusion: Annotated[
        Optional[str],
        typer.Option(
            help="Fusions to draw; names or globs (default: all, or the best 8 where lines would cover others)."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="A folder, or for a single picture a file that ends in .png, .svg or .pdf.")
    ] = Path("plots"),
    suffix: Annotated[
        Optional[str],
        typer.Option("--format", help="png, svg, pdf or several, for pictures in a folder (default: png)."),
    ] = None,
    width: Annotated[
        Optional[float],
        typer.Option(help="In inches, such as 3.3 for a column of a paper (default: by kind)."),
    ] = None,
    title: Annotated[
        Optional[str],
        typer.Option(help="Heading in place of the conditions; an empty one leaves out the note below it, too."),
    ] = None,
    include: IncludeOption = None,
) -> None:
    """Draw runs: differences with intervals, verdicts by domain, Pareto fronts, ranks, curves, scores and more.

    One picture per table, and per backbone where a picture has room for one alone. A leaderboard.csv is enough for some
    kinds, others need the run folders: see bench list plots.
    """
    from bench.metrics import metric_names
    from bench.plots.contract import Source
    from bench.plots.gallery import FORMATS, draw
    from bench.plots.style import Look
    from bench.records.columns import choose, choose_one

    load_plugins(include)
    if width is not None and not NARROWEST <= width <= WIDEST:
        raise UsageError(f"--width {width:g}: expected {NARROWEST:g} to {WIDEST:g} inches")
    check_pictures("--out", out)
    suffixes = [f".{name}" for name in choose(suffix or "png", FORMATS, "--format")]
    if suffix and out.suffix.lower() in SUFFIXES and suffixes != [out.suffix.lower()]:
        raise UsageError(f"--out {out} beside --format {suffix}: its end names the format; leave out --format")
    _check_alone(paths)
    metric = choose_one(metric, metric_names(), "--metric")
    plots = _plots(kind or (), curve)
    source = Source.read(paths, metric)
    name_left_out([path for path in paths if path.suffix != ".csv"], source.runs)
    domains, fusions = (
        choose(given, sorted({row[column] for row in source.rows}), f"--{column}") if given else ()
        for column, given in (("domain", domain), ("fusion", fusion))
    )
    plots = plots or _plots(["forest" if source.runs else "bars"], None)
    drawn, missing = draw(plots, source.chosen(domains, fusions), metric, fusions, Look(width, title))
    if not drawn:
        raise UsageError("; ".join(missing))
    for line in missing:
        typer.echo(f"not drawn: {line}", err=True)
    write_pictures("--out", drawn, out, suffixes)


def _plots(kinds: Sequence[str], curve: str | None) -> list[Plot]:
    """The kinds asked for, none where nothing was; ``curve`` is that of the psychometric one."""
    from bench.plots.contract import PLOTS

    names = names_in(*kinds)
    chosen = PLOTS.resolve(names or ["psychometric"]) if names or curve else ()
    if curve and not any(one.name == "psychometric" for one in chosen):
        raise UsageError(f"--curve {curve}: belongs to --kind psychometric, not to {', '.join(names)}")
    set_curve = [one.with_params(curve=curve) if curve and one.name == "psychometric" else one for one in chosen]
    return [choice.build() for choice in set_curve]


def _check_alone(paths: Sequence[Path]) -> None:
    """Raises ``UsageError`` where a leaderboard stands beside something else, of which it would not be drawn."""
    tables = [path for path in paths if path.suffix == ".csv"]
    if tables and len(paths) > 1:
        raise UsageError(f"{tables[0]}: a leaderboard.csv is drawn alone; give one, or run folders")


def check_pictures(option: str, out: Path) -> None:
    """Raises ``UsageError`` where pictures can be written to no such place."""
    if out.suffix and out.suffix.lower() not in SUFFIXES and not out.is_dir():
        raise UsageError(f"{option} {out}: expected a folder, or a file that ends in {', '.join(SUFFIXES)}")


def write_pictures(option: str, drawn: dict[str, Figure], out: Path, suffixes: Iterable[str]) -> None:
    """Write pictures into a folder, or a single one to a file.

    Raises:
        UsageError: a file cannot hold several.
    """
    from bench.plots.gallery import save

    if out.suffix.lower() in SUFFIXES:
        if len(drawn) > 1:
            raise UsageError(
                f"{option} {out}: {len(drawn)} pictures ({', '.join(drawn)}); choose one, or give a folder"
            )
        files = [(out, figure) for figure in drawn.values()]
    else:
        files = [(out / f"{name}{suffix}", figure) for name, figure in drawn.items() for suffix in suffixes]
    for file, figure in files:
        save(figure, file)
        typer.echo(f"wrote {file}", err=True)
