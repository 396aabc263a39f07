"""What the page opens with: for each set of conditions verdicts, fusions by domains, and differences with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.plots.shades import IN_LEGENDS, Shade, meaning, shade_of
from bench.plots.verdicts import columns_of, rows_of
from bench.report.page.figures import View, forest_views
from bench.report.report import Report
from bench.text import MISSING
from bench.verdicts.standings import Standings, by_conditions, what_is_marked


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
        heads: of the columns. rows: name and cells of each fusion. marked: what a dot says. tied: how many may be the
            best, by column; empty where nothing can be inferred.
        legend: colour and meaning. forests: a view of differences for each column that has any.
    """

    conditions: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    marked: str
    tied: Sequence[str]
    legend: Sequence[tuple[str, str]]
    forests: Sequence[View]


def matrices(report: Report) -> list[Matrix]:
    """One for each set of conditions with a fusion that has a score, by the first metric."""
    parts = [section.of(backbone) for section in report.sections for backbone in section.backbones]
    found = []
    for conditions, sections in by_conditions(parts).items():
        columns = columns_of(sections, report.metrics[0], report.margin)
        baseline = report.baseline
        beside = columns_of(sections, report.metrics[0], report.margin, baseline) if baseline else []
        if columns:
            found.append(_matrix(conditions, columns, beside))
    return found


def _matrix(conditions: str, columns: Sequence[Standings], beside: Sequence[Standings]) -> Matrix:
    several = len({column.section.backbone for column in columns}) > 1
    heads = [_head(column, several) for column in columns]
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
    tied = [f"{len(one.tied)} of {len(one.members)}" if one.is_judged else MISSING for one in columns]
    tied = tied if any(one.is_judged for one in columns) else []
    forests = [view for one in columns for view in forest_views(_head(one, several), one)]
    forests += [view for one in beside for view in forest_views(f"{_head(one, several)}, from {one.baseline}", one)]
    return Matrix(conditions, heads, rows, what_is_marked(columns), tied, legend, forests)


def _head(column: Standings, several: bool) -> str:
    """What a column is called; with its backbone where there are ``several``."""
    return column.section.domain + (f" · {column.section.backbone}" if several else "")
