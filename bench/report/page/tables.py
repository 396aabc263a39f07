"""The tables of the page, as data frames: leaderboard, shifts, runs beside each other, cells without a result."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.plots.board import Board
from bench.plots.heatmap import row_names
from bench.plots.shifts import shift_table
from bench.plots.style import metric_label
from bench.records.entries import Entry
from bench.records.record import Group, Record
from bench.records.sections import Section
from bench.records.ties import tie_groups
from bench.report import across_block, history_block
from bench.report.against_baseline import Comparison, word_of
from bench.report.footnotes import mark
from bench.report.table import ABROAD, Grid
from bench.text import printable
from bench.verdicts.across import Across
from bench.verdicts.history import History
from bench.verdicts.standings import best_first
from bench.verdicts.unit import unit_of

UNITS = {"parameters": ("k", 1e3), "macs": ("M", 1e6)}


def leaderboard_table(section: Section, metrics: Sequence[str], costs: Sequence[str]) -> pd.DataFrame:
    """A line per fusion, reference and control, each kind best first: means, half widths, costs, failed cells.

    A fusion of the tie group by the first metric says yes.
    """
    entries = ordered(section, metrics[0])
    tied = _tied(section, metrics[0])
    columns: dict[str, Sequence[object]] = {
        "fusion": [f"{entry.group.fusion} {mark(entry)}".rstrip() for entry in entries],
    }
    facts: dict[str, Sequence[object]] = {
        "tie group": ["yes" if entry.group in tied else "" for entry in entries],
        "backbone": [entry.group.backbone for entry in entries],
        "n": [len(entry.finished) for entry in entries],
        "role": [entry.role for entry in entries],
    }
    wanted = [(section.domain, metric) for metric in metrics]
    abroad = [name for name in ABROAD if name in metrics] or [metrics[0]]
    wanted += [(domain, name) for domain in section.other_domains for name in abroad]
    for place, (domain, metric) in enumerate(wanted):
        label = metric_label(metric) if domain == section.domain else f"{domain} {metric_label(metric)}"
        columns[label] = [_rounded(entry.mean(domain, metric), 4) for entry in entries]
        columns[f"± {label}"] = [_rounded(entry.half_width(domain, metric), 4) for entry in entries]
        # On a phone there is room for a name and its score.
        columns |= facts if place == 0 else {}
    for cost in section.shown(costs):
        unit, scale = UNITS.get(cost.field, ("", 1.0))
        header = f"{cost.header} ({unit})" if unit else cost.header
        columns[header] = [_cost(entry, cost.field, scale) for entry in entries]
    columns["failed"] = [len(entry.failed) for entry in entries]
    return pd.DataFrame(columns)


def ordered(section: Section, metric: str) -> list[Entry]:
    """The lines of the leaderboard: fusions, those without a score last, then references and controls."""
    ranked = section.ranked("fusion", metric)
    scored = best_first(ranked, section.domain, metric)
    rest = [entry for entry in ranked if entry not in scored]
    return [*scored, *rest, *section.references(), *section.ranked("control", metric)]


def _tied(section: Section, metric: str) -> set[Group]:
    """Fusions that are not worse than the best of their backbone on the domain trained on."""
    found = set()
    for part in map(section.of, section.backbones):
        ranked = part.ranked("fusion", metric)
        marks = tie_groups(ranked, section.domain, [metric])[:, 0]
        found |= {entry.group for entry, belongs in zip(ranked, marks, strict=True) if belongs}
    return found


def shifts_table(board: Board, metric: str) -> pd.DataFrame:
    """A line per fusion and reference, a column per domain tested on; empty where that is only the one trained on.

    Args:
        board: of a single backbone.
    """
    table = shift_table(board, metric)
    if table.shape[1] < 2:
        return pd.DataFrame()
    own = table.columns[0]
    short = [f"{own} (trained on)", *(f"→ {name.removeprefix(f'{own}:shift=')}" for name in table.columns[1:])]
    flat = pd.DataFrame(table.round(4).to_numpy(), columns=short)
    flat.insert(0, "fusion", row_names(table))
    return flat


def across_table(found: Across) -> pd.DataFrame:
    """A line per fusion, best mean over the domains first: that mean, how far behind, and the mean on each domain.

    A fusion of the tie group of the mean says yes.
    """
    unit = unit_of(found.metric)
    columns: dict[str, Sequence[object]] = {"fusion": found.fusions}
    names = ["mean", *across_block.domain_names(found)]
    for place, name in zip([-1, *range(len(found.domains))], names, strict=True):
        columns[name] = [_rounded(value, 4) for value in found.mean[:, place]]
        columns[f"± {name}"] = [_rounded(value, 4) for value in found.half_width[:, place]]
        if place < 0:
            columns["tie group"] = ["yes" if ties else "" for ties in found.ties[:, place]]
            columns[f"behind,{unit.name}"] = [_rounded(value * unit.scale, unit.digits) for value in found.behind]
    return pd.DataFrame(columns)


def frame_of(grid: Grid | None) -> pd.DataFrame:
    """A table of text as a data frame; empty without one."""
    return pd.DataFrame(dict(zip(grid.header, zip(*grid.rows, strict=True), strict=True))) if grid else pd.DataFrame()


def history_table(history: History) -> pd.DataFrame:
    """A line per fusion, the newest run first; a change is marked in place of bold type."""
    return frame_of(history_block.grid(history)).replace(r"^\*\*(.*)\*\*$", r"\1 *", regex=True)


def failures_table(section: Section) -> pd.DataFrame:
    """A line per cell without a result, with a note on why it did not learn, or that learned though kept to fail."""
    rows = [
        (entry.group.fusion, entry.group.backbone, cell.seed, _status(cell), _reason(cell))
        for entry in section.entries
        for cell in entry.cells
        if cell.status != "ok" or (cell.message and entry.role == "fusion") or cell.succeeds_unexpectedly
    ]
    return pd.DataFrame(rows, columns=["fusion", "backbone", section.repeats, "status", "reason"])


def verdicts_table(comparison: Comparison) -> pd.DataFrame:
    """A line per fusion compared with the baseline: difference with its interval, adjusted p, and the verdict."""
    unit = comparison.unit
    rows = [
        (
            verdict.fusion,
            word_of(verdict, comparison.repeats),
            *(
                _rounded(value * unit.scale, unit.digits)
                for value in (verdict.paired.mean, verdict.paired.low, verdict.paired.high)
            ),
            float(f"{verdict.p_holm:.2g}"),
            _rounded(verdict.smallest_detectable * unit.scale, unit.digits),
            verdict.paired.n,
            verdict.backbone,
        )
        for verdict in comparison.verdicts
    ]
    names = ["fusion", "verdict", f"difference,{unit.name}", "interval from", "to", "p (Holm)"]
    return pd.DataFrame(rows, columns=[*names, f"detectable,{unit.name}", "n", "backbone"])


def _status(cell: Record) -> str:
    if cell.status == "ok":
        return "learned unexpectedly" if cell.succeeds_unexpectedly else "not learned"
    return cell.status.replace("_", " ") + (", as it states" if cell.fails_as_stated else "")


def _reason(cell: Record) -> str:
    kept_for = f"kept to show: {cell.known_failure}" if cell.succeeds_unexpectedly else ""
    return printable(cell.message or kept_for or "no reason given")


def _cost(entry: Entry, field: str, scale: float) -> float:
    value = entry.cost(field)
    return np.nan if value is None else _rounded(value / scale, 2)


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits) if np.isfinite(value) else np.nan
