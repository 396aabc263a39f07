"""Histories as text: Markdown, CSV, and tables that fit a terminal."""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Callable, Sequence
from types import MappingProxyType

from bench.history.versions import LAST, Versions
from bench.markup import csv_text, markdown_line
from bench.plots.style import metric_label
from bench.records.load import Run
from bench.report.formats.terminal import fitting
from bench.report.table import Grid, estimate_text
from bench.stats.paired import Paired
from bench.text import MISSING, printable
from bench.verdicts.history import History
from bench.verdicts.unit import unit_of

READING = (
    "Mean ± half width of the 95 % t interval over seeds, the newest version first. Change: from the version "
    "before, paired by seed; bold where its interval leaves 0 out, as one in twenty does by chance: bench check judges."
)


def grid(history: History) -> Grid:
    """One row per fusion, one column per version."""
    unit = unit_of(history.metric)
    shown = range(len(history.versions))[::-1]
    header = ["fusion", f"change,{unit.name}", *(label(history.versions[at]) for at in shown)]
    rows = [
        [course.group.fusion, _change(course.change, history.metric)]
        + [estimate_text(float(course.mean[at]), float(course.half_width[at])) for at in shown]
        for course in history.courses
    ]
    return Grid(header, rows, left=1)


def label(version: Run) -> str:
    """A version as columns and axes name it."""
    return printable(str(version.folder))


def markdown(histories: Sequence[History], versions: Versions) -> str:
    """A table for each history, how to read it, and what the versions are."""
    blocks = []
    for history in histories:
        blocks += [f"## {markdown_line(history.title)}", f"{metric_label(history.metric)}:"]
        blocks.append(grid(history).markdown())
    blocks += [READING, "## Versions", "\n".join(f"- {markdown_line(_about(one))}" for one in reversed(versions.runs))]
    return "\n\n".join(blocks) + "\n"


def terminal(histories: Sequence[History], versions: Versions) -> str:
    """The same for a terminal: as many of the newest versions as it has room for."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    text, is_terminal = io.StringIO(), sys.stdout.isatty()
    console = Console(file=text, force_terminal=is_terminal, no_color=not is_terminal, highlight=False)
    for history in histories:
        console.print(Text(printable(f"{history.title} · {metric_label(history.metric)}"), style="bold"))
        shown, _ = fitting(grid(history), console.width)
        drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="underline")
        for place, header in enumerate(shown.header):
            drawn.add_column(header, justify="left" if place < shown.left else "right", overflow="fold")
        for row in shown.rows:
            cells = (Text(printable(cell.strip("*")), style="bold" if cell.startswith("**") else "") for cell in row)
            drawn.add_row(*cells)
        console.print(drawn)
        console.print()
    for version in reversed(versions.runs):
        console.print(Text(printable(_about(version)), style="dim"), soft_wrap=True)
    return text.getvalue()


def as_csv(histories: Sequence[History], versions: Versions) -> str:
    """One line for each fusion and version, the oldest first."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["version", "created", "domain", "protocol", "warmup", "recipe_id", "backbone", "fusion", "metric",
                  "n_seeds", "mean", "half_width"])  # fmt: skip
    for history in histories:
        for course in history.courses:
            group = course.group
            for at, version in enumerate(history.versions):
                numbers = [
                    "" if math.isnan(one[at]) else repr(float(one[at])) for one in (course.mean, course.half_width)
                ]
                names = [label(version), str(version.header.get("created", "")), group.domain, group.protocol,
                         group.warmup, group.recipe_id, group.backbone, group.fusion, history.metric]  # fmt: skip
                out.writerow([*map(csv_text, names), course.seeds[at], *numbers])
    return text.getvalue()


FORMATS: MappingProxyType[str, Callable[[Sequence[History], Versions], str]] = MappingProxyType(
    {"terminal": terminal, "md": markdown, "csv": as_csv}
)


def _about(version: Run) -> str:
    """When it was, and what its commit says."""
    created, subject = str(version.header.get("created", "")), str(version.header.get("subject", ""))
    return ", ".join(filter(None, [label(version), created[:10] if created != LAST else "", subject]))


def _change(change: Paired | None, metric: str) -> str:
    if change is None:
        return MISSING
    unit = unit_of(metric)
    if not change.mean and not change.sd > 0:
        return "same"
    if math.isnan(change.low):
        return unit.signed(change.mean)
    text = f"{unit.signed(change.mean)} ± {unit.size(change.half_width)}"
    return f"**{text}**" if change.low > 0 or change.high < 0 else text
