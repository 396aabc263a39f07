"""What the page opens with: for each set of conditions a matrix of verdicts, fusions by domains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.plots.shades import IN_LEGENDS, Shade, meaning, shade_of
from bench.plots.verdicts import columns_of, rows_of
from bench.report.report import Report
from bench.text import MISSING
from bench.verdicts.standings import Standings, by_conditions


@dataclass(frozen=True)
class Cell:
    """A mean on the colour of its verdict; ``title`` is shown on hover."""

    text: str
    shade: Shade | None
    is_tied: bool = False
    title: str = ""


@dataclass(frozen=True)
class Matrix:
    """Fusions, best mean rank first, by domains.

    Attributes:
        heads: of the columns. rows: name and cells of each fusion. tied: how many may be the best, by column.
        legend: colour and meaning.
    """

    conditions: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    tied: Sequence[str]
    legend: Sequence[tuple[str, str]]


def matrices(report: Report) -> list[Matrix]:
    """One for each set of conditions with a fusion that has a score, by the first metric."""
    parts = [section.of(backbone) for section in report.sections for backbone in section.backbones]
    found = []
    for conditions, sections in by_conditions(parts).items():
        columns = columns_of(sections, report.metrics[0], report.margin)
        if columns:
            found.append(_matrix(conditions, columns))
    return found


def _matrix(conditions: str, columns: Sequence[Standings]) -> Matrix:
    several = len({column.section.backbone for column in columns}) > 1
    heads = [column.section.domain + (f" · {column.section.backbone}" if several else "") for column in columns]
    by_name = [{one.fusion: one for one in column.members} for column in columns]
    rows = []
    for name in rows_of(columns):
        cells = []
        for column, own in zip(columns, by_name, strict=True):
            one = own.get(name)
            if one is None:
                cells.append(Cell(MISSING, None))
                continue
            shade = shade_of(one, column)
            cells.append(Cell(f"{one.mean:.3f}", shade, one.is_tied, meaning(shade, column)))
        rows.append((name, cells))
    used = {cell.shade for _, cells in rows for cell in cells}
    legend = [(shade.fill, meaning(shade, columns[0])) for shade in IN_LEGENDS if shade in used]
    return Matrix(conditions, heads, rows, [f"{len(one.tied)} of {len(one.members)}" for one in columns], legend)
