"""A metric over versions as a table: what every fusion reached in each, and what changed with the last one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.report.table import Grid, estimate_text
from bench.stats.paired import Paired
from bench.text import MISSING, either, printable, some
from bench.verdicts.history import History
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


def reading(histories: Sequence[History], strong: str = "bold") -> str:
    """How to read the tables; ``strong`` is how a change is shown that is not nothing."""
    repeats = [history.table.repeats for history in histories]
    return (
        f"Mean ± half width of the 95 % t interval over {either(repeats, 's')}, the newest version first."
        f"{_draw(histories)} Change: from the version before, paired by {either(repeats)}; {strong} where its "
        "interval leaves 0 out, as one in twenty does by chance: bench check judges."
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
