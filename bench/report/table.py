"""The tables of a report, as text in cells that Markdown and LaTeX write alike: fusion x backbone against metrics and
costs."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import TypeVar

import numpy as np

from bench.markup import align
from bench.metrics import METRICS
from bench.plots.style import metric_label
from bench.records.columns import Cost
from bench.records.entries import Entry
from bench.records.references import Efficiency
from bench.records.sections import Section
from bench.records.ties import tie_groups
from bench.report.footnotes import mark
from bench.text import MISSING, human

ABROAD = ("accuracy", "auc")
Quantity = tuple[str, str]


@dataclass(frozen=True)
class Grid:
    """A table as text, bold cells between ``**``; all columns but the first ``left`` are right-aligned."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int

    def markdown(self) -> str:
        """The table padded for reading as plain text."""
        return align(self.header, self.rows, self.left)


class Table:
    """Header and rows of one section.

    Args:
        metrics: to show on the domain trained on; the first one orders the rows. On other domains those of ``ABROAD``
            among them are shown, or else the first.
        costs: names of cost columns; rates are left out where the section has none.
    """

    def __init__(self, section: Section, metrics: Sequence[str], costs: Sequence[str]) -> None:
        self._section = section
        self._costs = section.shown(costs)
        abroad = [name for name in ABROAD if name in metrics] or [metrics[0]]
        self._quantities: list[Quantity] = [(section.domain, name) for name in metrics]
        self._quantities += [(domain, name) for domain in section.other_domains for name in abroad]
        self._show_backbone = len(section.backbones) > 1
        self._show_failed = any(entry.failed for entry in section.entries)
        self._efficiency = Efficiency(section.entries)
        self._show_efficiency = bool(self._efficiency.measured_by(section.domain))
        self.compared = section.ranked("fusion", metrics[0])
        self.apart = [*section.references(), *section.ranked("control", metrics[0])]

    def main(self) -> Grid | None:
        """The fusions, the tie group of each backbone and column in bold; None where there are only controls."""
        rows = []
        for _, group in groupby(self.compared, key=lambda entry: entry.group.backbone):
            entries = list(group)
            rows += [
                self._row(entry, bold, self._efficiency_cells(entry))
                for entry, bold in zip(entries, self._ties(entries), strict=True)
            ]
        return self._grid(rows, ["efficiency"] * self._show_efficiency) if rows else None

    def references(self) -> Grid:
        """The references, the controls and the row of chance."""
        plain = [False] * len(self._quantities)
        known = [METRICS.get(name).chance for _, name in self._quantities]
        chance = [MISSING if value is None else f"{value:.3f}" for value in known]
        names = ["chance"] + [MISSING] * self._show_backbone
        rest = [MISSING] * (len(self._costs) + self._show_failed)
        rows = [self._row(entry, plain, []) for entry in self.apart]
        return self._grid([*rows, [*names, MISSING, *chance, *rest]], [])

    def _ties(self, entries: Sequence[Entry]) -> list[list[bool]]:
        """For each entry and quantity whether it is not worse than the best."""
        by_domain = groupby(self._quantities, key=lambda quantity: quantity[0])
        parts = [tie_groups(entries, domain, [metric for _, metric in own]) for domain, own in by_domain]
        return np.concatenate(parts, axis=1).tolist()

    def _efficiency_cells(self, entry: Entry) -> list[str]:
        efficiency = self._efficiency(entry, self._section.domain)
        percent = 100 * efficiency.mean.item(), 100 * efficiency.half_width.item()
        return [estimate_text(*percent, digits=1, unit=" %")] * self._show_efficiency

    def _row(self, entry: Entry, bold: Sequence[bool], efficiency: Sequence[str]) -> list[str]:
        names = [named(entry)]
        names += [entry.group.backbone] * self._show_backbone
        values = [self._value(entry, quantity, strong) for quantity, strong in zip(self._quantities, bold, strict=True)]
        costs = [_cost(entry, cost) for cost in self._costs]
        failed = [str(len(entry.failed))] * self._show_failed
        return [*names, str(len(entry.finished)), *values, *efficiency, *costs, *failed]

    def _value(self, entry: Entry, quantity: Quantity, strong: bool) -> str:
        if entry.reason and math.isnan(entry.mean(*quantity)):
            return "n/a"
        text = estimate_text(entry.mean(*quantity), entry.half_width(*quantity))
        return f"**{text}**" if strong else text

    def _grid(self, rows: Sequence[Sequence[str]], efficiency: Sequence[str]) -> Grid:
        names = ["fusion"] + ["backbone"] * self._show_backbone
        own = self._section.domain
        prefix = {domain: "" if domain == own else f"{domain} " for domain, _ in self._quantities}
        metrics = [f"{prefix[domain]}{metric_label(name)}" for domain, name in self._quantities]
        costs = [cost.header for cost in self._costs]
        header = [*names, "n", *metrics, *efficiency, *costs, *["failed"] * self._show_failed]
        return Grid(header, rows, left=len(names))


def named(entry: Entry) -> str:
    """The name of a fusion with its footnote mark."""
    return f"{entry.group.fusion} {mark(entry)}".rstrip()


def estimate_text(mean: float, half_width: float, digits: int = 3, unit: str = "") -> str:
    """``0.912 ± 0.013``; without the interval where there is none, a dash without a mean."""
    if math.isnan(mean):
        return MISSING
    return f"{mean:.{digits}f}{'' if math.isnan(half_width) else f' ± {half_width:.{digits}f}'}{unit}"


def _cost(entry: Entry, cost: Cost) -> str:
    value = entry.cost(cost.field)
    if value is None:
        return MISSING
    return f"≥ {human(value)}" if cost.field == "macs" and entry.uncounted else human(value)


Row = TypeVar("Row")
WIDEST = 6


@dataclass(frozen=True)
class Block:
    """What stands under a heading: how to read the tables, the tables, and what their signs mean."""

    sentence: str
    tables: Sequence[str]
    legend: Sequence[str] = ()


def matrix(
    labels: Sequence[str],
    rows: Sequence[tuple[Sequence[str], Row]],
    entries: Sequence[Entry],
    value: Callable[[Row, Entry], str],
) -> list[str]:
    """Markdown tables of at most ``WIDEST`` fusions each, every one with all references beside them.

    Args:
        labels: headers of the columns that name a row.
        rows: the names of each row, and what ``value`` is asked for.
        entries: fusions and references in the order of their columns.
    """
    references = [entry for entry in entries if entry.role == "reference"]
    fusions = [entry for entry in entries if entry.role == "fusion"]
    tables = []
    for part in _evenly(fusions):
        columns = [*part, *references]
        header = [*labels, *map(named, columns)]
        cells = [[*names, *(value(row, entry) for entry in columns)] for names, row in rows]
        tables.append(align(header, cells, left=len(labels)))
    return tables


def _evenly(fusions: Sequence[Entry]) -> list[Sequence[Entry]]:
    """Parts of at most ``WIDEST`` whose lengths differ by one at most; a single empty one where there is none."""
    parts = max(1, -(-len(fusions) // WIDEST))
    ends = [len(fusions) * part // parts for part in range(parts + 1)]
    return [fusions[start:end] for start, end in pairwise(ends)]
