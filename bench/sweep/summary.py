"""What is said at the end of a sweep."""

from __future__ import annotations

import os
import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console

from bench.guard import OWN
from bench.records.advice import advice, worth_a_retry
from bench.records.folder import RunFolder, latest
from bench.records.record import DONE, Attempt
from bench.sweep.plan import Plan, Planned
from bench.text import count_of, say

OK, FAILED = 0, 3


def summarise(plan: Plan, folder: RunFolder, command: Sequence[str], console: Console) -> int:
    """Say how the cells of a plan ended, why those that failed did, and what can be done.

    Returns:
        Exit code: 0 when every cell is done, 3 when any failed or has no record.
    """
    known = latest(folder.records(Attempt))
    final = [(planned, known[planned.key]) for planned in plan.cells if planned.key in known]
    counts = Counter(record.status for _, record in final)
    parts = [f"{count} {status.replace('_', ' ')}" for status, count in counts.most_common()]
    missing = len(plan.cells) - len(final)
    parts += [f"{missing} without a record"] if missing else []
    what = count_of(len(plan.cells), "cell")
    say(console, f"{what}: {', '.join(parts)} · {folder.path}", "bold")
    for fusion, line in _known_failures(final).items():
        say(console, f"  {fusion}: {line}")
    failed = [
        (planned, record) for planned, record in final if record.status not in DONE and not record.fails_as_stated
    ]
    for planned, record in failed:
        say(console, f"  {planned.cell}: {record.ending}", "red")
    statuses = sorted({record.status for _, record in failed})
    for status in statuses:
        say(console, f"  {status} {advice(status)}")
    if written := _plugins(planned for planned, record in failed if record.status == "error"):
        say(console, f"what a fusion of yours may not do, in words: bench test {shlex.join(written)}")
    if again := worth_a_retry(statuses):
        say(console, f"run them again with: {shlex.join(command)} --retry {','.join(again)}")
    return FAILED if failed or missing else OK


def _plugins(cells: Iterable[Planned]) -> list[str]:
    """The files that fusions come from which are not built in."""
    classes = dict.fromkeys(planned.cell.fusion.cls for planned in cells)
    files = (
        getattr(sys.modules.get(cls.__module__), "__file__", "")
        for cls in classes
        if not cls.__module__.startswith(OWN)
    )
    return list(dict.fromkeys(os.path.relpath(file) for file in files if file))


def _known_failures(final: Sequence[tuple[Planned, Attempt]]) -> dict[str, str]:
    """What became of the fusions that are kept to show a mistake, by name."""
    lines = {}
    for planned, record in final:
        name, stated = str(planned.cell.fusion), record.known_failure
        if record.fails_as_stated:
            lines[name] = f"{record.status}, as it is known to: {stated}"
        elif stated and record.status == "ok":
            lines.setdefault(name, f"did not fail here, though it is known to: {stated}")
    return lines
