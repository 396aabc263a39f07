"""Cases as a table."""

from __future__ import annotations

from collections.abc import Sequence

from bench.advise.cases import Case
from bench.report.table import Grid
from bench.verdicts.unit import unit_of

MOST_NAMED = 4


def grid(cases: Sequence[Case]) -> Grid:
    """One row per case."""
    rows = []
    for case in cases:
        unit = unit_of(case.metric)
        ahead = f"{unit.signed(case.lead)} ({unit.size(case.low)} to {unit.size(case.high)}){unit.name}"
        best, *others = case.use
        shown = ", ".join(others[:MOST_NAMED]) + (f", {len(others) - MOST_NAMED} more" if others[MOST_NAMED:] else "")
        gain = f"{ahead} of {case.metric}"
        macs = f"{case.macs:.2f} x"
        study = f"{case.study} ({case.of} joins, n = {case.repetitions})"
        rows.append([case.pairs, f"**{best}**", shown or "nothing", gain, macs, ", ".join(case.avoid), study])
    over = " and ".join(sorted({case.over for case in cases}))
    header = ["your pairs", "use", "not told from it", f"ahead of {over}", f"MACs, of {over}'s", "last", "study"]
    return Grid(header, rows, left=len(header))
