"""``bench advise``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Optional, get_args

import typer

from bench.cli.options import IncludeOption, emit, load_zoo, table_text

if TYPE_CHECKING:
    from bench.report.table import Grid

# Letters in a line of what the first column says, which would else be one word wide and many lines high.
LEAST_FIRST = 24


def advise(
    domain: Annotated[
        Optional[str], typer.Option(help="Pairs like those of this domain: its own, or else aligned or not as its are.")
    ] = None,
    protocol: Annotated[
        Optional[str], typer.Option(help="How you train: scratch, finetune or frozen; by default any.")
    ] = None,
    include: IncludeOption = None,
) -> None:
    """Print which join the studies found best for pairs like yours, with what ties and what it gains.

    What holds for your own images, bench choose finds out.
    """
    from bench.advise.cases import aligned_as, measured_on
    from bench.advise.table import grid
    from bench.domain import DOMAINS, build_domain
    from bench.errors import UsageError
    from bench.records.columns import choose_one
    from bench.training.recipe import Protocol

    load_zoo(include)
    choice = DOMAINS.settle(domain) if domain else None
    if protocol is not None:
        protocol = choose_one(protocol, get_args(Protocol), "--protocol")
    cases = measured_on(str(choice), protocol) if choice else []
    # Only what no study measured is looked into, which takes its files.
    cases = cases or aligned_as(build_domain(choice).aligned if choice else None, protocol)
    if not cases:
        raise UsageError("no study tells of such pairs; bench choose asks your own images")
    table = grid(cases)
    emit(_on_terminal(table) if sys.stdout.isatty() else table.markdown() + "\n")


def _on_terminal(grid: Grid) -> str:
    """The cases as wide as the terminal, in several lines each; the last columns go where names would be torn."""
    from rich.console import Console

    from bench.report.formats.terminal import BETWEEN, drawn, fitting
    from bench.report.table import Grid

    room = Console().width - BETWEEN
    words = [[max(cell.split(), key=len, default="") for cell in row] for row in grid.rows]
    for row, (pairs, *_) in zip(words, grid.rows, strict=True):
        row[0] = row[0].ljust(min(LEAST_FIRST, len(pairs)))
    torn = fitting(Grid(grid.header, words, left=1), room, stays=1)[1]
    kept = [place for place, header in enumerate(grid.header) if header not in torn]
    least, most = (_widths([grid.header, *rows], kept) for rows in (words, grid.rows))
    table = drawn(Grid([grid.header[at] for at in kept], [[row[at] for at in kept] for row in grid.rows], len(kept)))
    for column, width in zip(table.columns, _shared_out(least, most, room - BETWEEN * (len(kept) - 1)), strict=True):
        column.width = width
    table.padding = (0, BETWEEN, 1, 0)  # A line between cases.
    return table_text(table, f"No room for: {', '.join(torn)}." if torn else "")


def _widths(rows: Sequence[Sequence[str]], places: Sequence[int]) -> list[int]:
    return [max(len(row[at].replace("**", "")) for row in rows) for at in places]


def _shared_out(least: Sequence[int], most: Sequence[int], room: int) -> list[int]:
    """Widths of columns between those they need and those they could fill: more for who has more in it."""
    widths = list(least)
    while sum(widths) < room and widths != most:
        widths[max(range(len(widths)), key=lambda at: most[at] / widths[at])] += 1
    return widths
