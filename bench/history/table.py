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
from bench.report.history_block import grid, reading
from bench.text import printable
from bench.verdicts.history import History, names_of


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


def _about(versions: Versions) -> list[str]:
    """Each version, the newest first: when it was, and what its commit says."""
    lines = []
    for name, version in zip(names_of(versions.runs), versions.runs, strict=True):
        created, subject = (str(version.header.get(what, "")) for what in ("created", "subject"))
        lines.append(", ".join(filter(None, [name, created[:10] if created != LAST else "", subject])))
    return lines[::-1]
