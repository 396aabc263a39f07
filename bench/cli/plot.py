"""``bench plot``: from records to pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from bench.errors import UsageError

SUFFIXES = (".png", ".svg")


def plot(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH", help="Run folders, or folders of run folders; read together.")
    ],
    curve: Annotated[
        Optional[str], typer.Option(help="radius, contrast, noise, or several (default: those that were swept).")
    ] = None,
    domain: Annotated[Optional[str], typer.Option(help="Domain trained on (default: all that were swept).")] = None,
    fusion: Annotated[Optional[str], typer.Option(help="Fusions to draw (default: the best 8).")] = None,
    out: Annotated[Path, typer.Option(help="PNG or SVG, by its suffix.")] = Path("curves.png"),
) -> None:
    """Draw psychometric curves: accuracy against radius, contrast or noise.

    One line per fusion, mean over seeds, with a band for the 95 % t interval; black: name-then-XNOR and the oracle. The
    legend gives the level at which 75 % are correct. Records of bench run ... --eval
    sweep_radius,sweep_contrast,sweep_noise have the curves.
    """
    from bench.report.columns import choose, choose_one
    from bench.report.curves import draw_curves
    from bench.report.entries import entries_of
    from bench.report.load import load_runs, pool
    from bench.report.psychometric import FACTORS, MOST_FUSIONS, Sweeps
    from bench.report.sections import sections_of

    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--out {out}: expected a file that ends in {' or '.join(SUFFIXES)}")
    factors = choose(curve, FACTORS, "--curve") if curve is not None else ()
    sections = sections_of(entries_of(pool(load_runs(paths)).cells))
    if domain is not None:
        chosen = choose_one(domain, sorted({section.domain for section in sections}), "--domain")
        sections = tuple(section for section in sections if section.domain == chosen)
    sweeps = Sweeps(sections, factors)
    fusions = choose(fusion, sweeps.fusions, "--fusion") if fusion is not None else ()
    if len(fusions) > MOST_FUSIONS:
        raise UsageError(f"--fusion: at most {MOST_FUSIONS} can be told apart in one picture, got {len(fusions)}")
    try:
        draw_curves(sweeps.rows(fusions), out)
    except OSError as error:
        raise UsageError(f"--out {out}: {error.strerror}") from None
    typer.echo(f"wrote {out}", err=True)
