"""A report as tables that fit the width of a terminal, best first, without the prose."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.formats import choose_format
from bench.metrics import LOWER, METRICS
from bench.records.entries import Entry
from bench.records.load import damage, unfinished
from bench.records.sections import Section
from bench.records.ties import how_marked, tie_groups
from bench.report import across_block
from bench.report.against_baseline import Comparison, word_of
from bench.report.footnotes import failures, legend
from bench.report.formats import REPORT_FORMATS, ReportFormat, register_report_format
from bench.report.provenance import left_out
from bench.report.report import Report
from bench.report.table import Grid, Table, estimate_text
from bench.stats.intervals import FEWEST_SEEDS
from bench.text import MISSING, count_of, printable, some
from bench.verdicts.across import Across

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as RichTable

NARROWEST = 40
BETWEEN = 2  # spaces from column to column
MOST_NAMED = 8
COLORS = {"better": "green", "worse": "red", "equivalent": "cyan"}


@register_report_format
class Terminal(ReportFormat):
    """Tables that fit the width of a terminal, best first.

    Args:
        verbose: whether all that Markdown says follows.
    """

    name = "terminal"

    def __init__(self, verbose: bool = False) -> None:
        self._verbose = verbose

    def render(self, report: Report) -> str:
        from rich.console import Console

        text = io.StringIO()
        is_terminal = sys.stdout.isatty()
        console = Console(file=text, force_terminal=is_terminal, no_color=not is_terminal, highlight=False)
        console.width = max(console.width, NARROWEST)
        for beside in report.across:
            _print_across(console, beside)
        for section, found in report.compared:
            _print(console, section, found, report)
        for note in [*damage(report.runs), *unfinished(report.runs), *left_out(report.pool)]:
            _say(console, note, "dim")
        if self._verbose:
            return f"{text.getvalue()}\n{choose_format(REPORT_FORMATS, 'md').render(report)}"
        more = "" if report.baseline else " --baseline NAME compares;"
        _say(console, f"{more} --verbose tells how to read this, and more.".strip(), "dim")
        return text.getvalue()


def _print(console: Console, section: Section, found: Sequence[Comparison], report: Report) -> None:
    """Heading, who may be the best, the table, and what stands apart."""
    table = Table(section, report.metrics, report.costs)
    _say(console, section.title, "bold")
    grid = table.main()
    if grid is not None:
        for line in _leaders(section, report.metrics[0]):
            _say(console, line)
        at_home = next((one for one in found if one.domain == section.domain), None)
        shown, left_out = fitting(_with_verdicts(grid, table.compared, at_home), console.width)
        order = _best_first(table.compared, section.domain, report.metrics[0])
        console.print(drawn(Grid(shown.header, [shown.rows[place] for place in order], shown.left)))
        for line in legend(table.compared):
            _say(console, line, "dim")
        if left_out:
            _say(console, f"No room for {', '.join(left_out)}; --metric and --cost choose columns.", "dim")
    apart = [(entry, entry.mean(section.domain, report.metrics[0])) for entry in table.apart if entry.finished]
    if apart:
        told = (f"{entry.group.fusion} {estimate_text(mean, float('nan'))}" for entry, mean in apart)
        _say(console, f"References and controls: {', '.join(told)}", "dim")
    failed = failures(section)
    for line in failed[:MOST_NAMED]:
        _say(console, f"failed: {line}", "red")
    if len(failed) > MOST_NAMED:
        _say(console, f"and {len(failed) - MOST_NAMED:,} more; --verbose names them", "red")
    console.print()


def _print_across(console: Console, found: Across) -> None:
    """Several domains beside each other: heading, who may be the best on their mean, and the table."""
    _say(console, f"Across domains · {across_block.title(found)}", "bold")
    _say(console, across_block.conclusion(found))
    shown, left_out = fitting(across_block.grid(found), console.width, stays=1)
    console.print(drawn(shown))
    if left_out:
        _say(console, f"No room for {', '.join(left_out)}.", "dim")
    console.print()


def drawn(grid: Grid) -> RichTable:
    """A table for a console, bold and in colours."""
    from rich.table import Table as RichTable
    from rich.text import Text

    table = RichTable(box=None, pad_edge=False, padding=(0, BETWEEN, 0, 0), header_style="underline")
    for place, header in enumerate(grid.header):
        table.add_column(printable(header), justify="left" if place < grid.left else "right", overflow="fold")
    for row in grid.rows:
        table.add_row(*(Text(printable(cell.replace("**", "")), style=_style(cell)) for cell in row))
    return table


def fitting(grid: Grid, width: int, stays: int | None = None) -> tuple[Grid, list[str]]:
    """The columns that ``width`` letters have room for, and the headers of the others: the last ones go first, and what
    names a row stays.

    Args:
        stays: place of a column that stays, too; by default that after the number of seeds.
    """
    kept = list(range(len(grid.header)))
    stays = min(grid.left + 1, kept[-1]) if stays is None else stays
    going = [place for place in kept[grid.left :] if place != stays]
    widths = [
        max(len(cell.replace("**", "")) for cell in column) for column in zip(grid.header, *grid.rows, strict=True)
    ]
    while sum(widths[place] + BETWEEN for place in kept) - BETWEEN > width and going:
        kept.remove(going.pop())
    rows = [[row[place] for place in kept] for row in grid.rows]
    left_out = [header for place, header in enumerate(grid.header) if place not in kept]
    return Grid([grid.header[place] for place in kept], rows, grid.left), left_out


def _with_verdicts(grid: Grid, entries: Sequence[Entry], found: Comparison | None) -> Grid:
    """The table with the verdict on the domain trained on after the first metric, where there is one."""
    if found is None:
        return grid
    unit, baseline = found.unit, found.baseline
    known = {(one.backbone, one.fusion): one for one in found.verdicts}
    at = grid.left + 2
    header = [*grid.header[:at], f"from {baseline}", "verdict", *grid.header[at:]]
    rows = []
    for entry, row in zip(entries, grid.rows, strict=True):
        verdict = known.get((entry.group.backbone, entry.group.fusion))
        if entry.group.fusion == baseline:
            cells = ["", "baseline"]
        elif verdict is None:
            # A backbone without the baseline has nothing to be compared with.
            cells = [MISSING, MISSING]
        else:
            cells = [unit.signed(verdict.paired.mean), word_of(verdict, found.repeats)]
        rows.append([*row[:at], *cells, *row[at:]])
    return Grid(header, rows, grid.left)


def _leaders(section: Section, metric: str) -> list[str]:
    """Who may be the best, a line per backbone."""
    lines = []
    for part in map(section.of, section.backbones):
        ranked = part.ranked("fusion", metric)
        marks = tie_groups(ranked, section.domain, [metric])[:, 0]
        names = [entry.group.fusion for entry, belongs in zip(ranked, marks, strict=True) if belongs]
        where = f" with {part.backbone}" if len(section.backbones) > 1 else ""
        most = max((len(entry.finished) for entry in ranked), default=0)
        of = count_of(len(ranked), "fusion")
        if names and most < FEWEST_SEEDS:
            few = f"no inference: fewer than {FEWEST_SEEDS} {section.repeats}s"
            lines.append(f"By {metric}{where}, {how_marked(most)}: {some(names, MOST_NAMED)} of {of} ({few})")
        elif names:
            lines.append(f"May be the best by {metric}{where}: {some(names, MOST_NAMED)} ({len(names)} of {of})")
    return lines


def _best_first(entries: Sequence[Entry], domain: str, metric: str) -> list[int]:
    """Places of the entries by their score, whatever the backbone; without one last."""
    sign = 1 if METRICS.get(metric).direction == LOWER else -1
    values = [sign * entry.mean(domain, metric) for entry in entries]
    return sorted(range(len(entries)), key=lambda place: (values[place] != values[place], values[place]))


def _style(cell: str) -> str:
    return "bold" if cell.startswith("**") else COLORS.get(cell.split(" ")[0], "")


def _say(console: Console, line: str, style: str = "") -> None:
    console.print(printable(line), style=style or None, markup=False)
