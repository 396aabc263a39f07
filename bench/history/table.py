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
from bench.report.formats.terminal import drawn, fitting
from bench.report.table import Grid, estimate_text
from bench.stats.paired import Paired
from bench.text import MISSING, either, printable, some
from bench.verdicts.history import History, names_of
from bench.verdicts.unit import unit_of

MOST_NAMED = 6


def grid(history: History) -> Grid:
    """One row per fusion, one column per version."""
    unit = unit_of(history.metric)
    shown = range(len(history.versions))[::-1]
    header = ["fusion", f"change,{unit.name}", *(printable(history.names[at]) for at in shown)]
    rows = [
        [course.group.fusion, _change(course.change, history.metric)]
        + [estimate_text(float(course.mean[at]), float(course.half_width[at])) for at in shown]
        for course in history.courses
    ]
    return Grid(header, rows, left=1)


def reading(histories: Sequence[History]) -> str:
    """How to read the tables."""
    repeats = [history.table.repeats for history in histories]
    return (
        f"Mean ± half width of the 95 % t interval over {either(repeats, 's')}, the newest version first."
        f"{_draw(histories)} Change: from the version before, paired by {either(repeats)}; bold where its interval "
        "leaves 0 out, as one in twenty does by chance: bench check judges."
    )


def markdown(histories: Sequence[History], versions: Versions) -> str:
    """A table for each history, how to read it, and what the versions are."""
    blocks = []
    for history in histories:
        blocks += [f"## {markdown_line(history.title)}", f"{metric_label(history.metric)}:"]
        blocks.append(grid(history).markdown())
    about = (f"- {markdown_line(one)}" for one in _about(versions))
    blocks += [markdown_line(reading(histories)), "## Versions", "\n".join(about)]
    return "\n\n".join(blocks) + "\n"


def terminal(histories: Sequence[History], versions: Versions) -> str:
    """The same for a terminal: as many of the newest versions as it has room for."""
    from rich.console import Console
    from rich.text import Text

    text, is_terminal = io.StringIO(), sys.stdout.isatty()
    console = Console(file=text, force_terminal=is_terminal, no_color=not is_terminal, highlight=False)
    for history in histories:
        console.print(Text(printable(f"{history.title} · {metric_label(history.metric)}"), style="bold"))
        shown, _ = fitting(grid(history), console.width)
        console.print(drawn(shown))
        console.print()
    for line in [reading(histories), *_about(versions)]:
        console.print(Text(printable(line), style="dim"), soft_wrap=True)
    return text.getvalue()


def as_csv(histories: Sequence[History], versions: Versions) -> str:
    """One line for each fusion and version, the oldest first."""
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(["version", "created", "domain", "protocol", "warmup", "recipe_id", "backbone", "fusion", "metric",
                  "repeats", "n", "mean", "half_width"])  # fmt: skip
    for history in histories:
        for course in history.courses:
            group = course.group
            for at, version in enumerate(history.versions):
                numbers = [
                    "" if math.isnan(one[at]) else repr(float(one[at])) for one in (course.mean, course.half_width)
                ]
                created = str(version.header.get("created", ""))
                names = [printable(history.names[at]), created, group.domain, group.protocol, group.warmup,
                         group.recipe_id, group.backbone, group.fusion, history.metric, group.repeats]  # fmt: skip
                out.writerow([*map(csv_text, names), course.counts[at], *numbers])
    return text.getvalue()


FORMATS: MappingProxyType[str, Callable[[Sequence[History], Versions], str]] = MappingProxyType(
    {"terminal": terminal, "md": markdown, "csv": as_csv}
)


def _draw(histories: Sequence[History]) -> str:
    """A sentence on what intervals know of the draw of test pairs; empty where there are none over seeds."""
    seeds = [history for history in histories if history.table.repeats == "seed"]
    every = dict.fromkeys(name for history in seeds for name in history.with_interval)
    bare = dict.fromkeys(name for history in seeds for name in history.without_draw)
    if not every:
        return ""
    if not bare:
        return " It includes the draw of test pairs, which all seeds share."
    where = "" if len(bare) == len(every) else f" in {some(bare, MOST_NAMED)}"
    return f" It leaves out the draw of test pairs, which all seeds share,{where} as no scores are stored that tell it."


def _about(versions: Versions) -> list[str]:
    """Each version, the newest first: when it was, and what its commit says."""
    lines = []
    for name, version in zip(names_of(versions.runs), versions.runs, strict=True):
        created, subject = (str(version.header.get(what, "")) for what in ("created", "subject"))
        lines.append(", ".join(filter(None, [name, created[:10] if created != LAST else "", subject])))
    return lines[::-1]


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
