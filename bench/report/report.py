"""A report of one or more runs: what every format of it reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bench.records.columns import choose_one
from bench.records.entries import Entry, entries_of
from bench.records.load import Pool, Run, damage, pool, unfinished
from bench.records.margins import MARGIN
from bench.records.scores import StoredScores
from bench.records.sections import Section, sections_of
from bench.report.against_baseline import Comparison, comparisons
from bench.report.provenance import left_out, rates_note
from bench.verdicts.across import Across, across
from bench.verdicts.gaps import Gap, gaps_of
from bench.verdicts.history import History, histories_of


@dataclass(frozen=True)
class Report:
    """Everything a format needs: the runs, their cells together, and the columns that were asked for."""

    runs: Sequence[Run]
    pool: Pool
    entries: tuple[Entry, ...]
    metrics: tuple[str, ...]
    costs: tuple[str, ...]
    baseline: str | None = None
    margin: float = MARGIN

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The tables that the entries fall into."""
        return sections_of(self.entries)

    @cached_property
    def compared(self) -> tuple[tuple[Section, list[Comparison]], ...]:
        """Sections with their comparisons by the first metric, which are none without a baseline."""
        if self.baseline is None:
            return tuple((section, []) for section in self.sections)
        by = self.baseline, self.metrics[0], self.margin
        return tuple((section, comparisons(section, *by)) for section in self.sections)

    @cached_property
    def gaps(self) -> Mapping[str, Sequence[Gap]]:
        """By title of a section, what its fusions lose on other domains by the first metric."""
        return {one.title: gaps_of(one, self.metrics[0], self.margin, self.baseline) for one in self.sections}

    @cached_property
    def across(self) -> tuple[Across, ...]:
        """Tables that differ in the domain trained on alone, beside each other by the first metric."""
        return tuple(across(self.sections, self.metrics[0]))

    @cached_property
    def histories(self) -> tuple[History, ...]:
        """The first metric from run to run, the oldest first, where several runs repeat each other's cells."""
        in_time = sorted(self.runs, key=lambda run: str(run.header.get("created", "")))
        groups = {entry.group for entry in self.entries}
        found = histories_of(in_time, self.metrics[0], groups) if len(in_time) > 1 else []
        return tuple(one for one in found if any(course.change for course in one.courses))

    @property
    def notes(self) -> list[str]:
        """Sentences that hold for all tables."""
        shown = [section for section in self.sections if any(cost.is_rate for cost in section.shown(self.costs))]
        rated = [cell for section in shown for cell in section.finished]
        lost = [f"{sentence}." for sentence in [*damage(self.runs), *unfinished(self.runs)]]
        return [*lost, *([rates_note(rated)] if rated else []), *left_out(self.pool)]


def build(
    runs: Sequence[Run],
    metrics: tuple[str, ...],
    costs: tuple[str, ...],
    baseline: str | None = None,
    margin: float = MARGIN,
) -> Report:
    """Summarise the cells of ``runs`` together, fusions compared with ``baseline`` if one is given.

    Args:
        margin: difference that is of no interest, in the unit of the metric.

    Raises:
        UsageError: no fusion in the records is called ``baseline``.
    """
    cells = pool(runs)
    entries = entries_of(cells.cells, StoredScores(runs))
    if baseline is not None:
        names = sorted({entry.group.fusion for entry in entries if entry.role == "fusion"})
        baseline = choose_one(baseline, names, "--baseline")
    return Report(runs, cells, entries, metrics, costs, baseline, margin)
