"""A report of one or more runs, and its text as Markdown, CSV, LaTeX, JSON or HTML."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

from bench.records import leaderboard
from bench.records.columns import choose_one
from bench.records.entries import Entry, entries_of
from bench.records.load import Pool, Run, pool
from bench.records.margins import MARGIN
from bench.records.references import knowledge
from bench.records.sections import Section, sections_of
from bench.report import footnotes
from bench.report.against_baseline import (
    COMPARED,
    Comparison,
    as_dict,
    comparison_grid,
    comparison_sentence,
    comparisons,
    verdict_columns,
)
from bench.report.aggregates import aggregates_block
from bench.report.caption import caption
from bench.report.conclusion import conclusion
from bench.report.latex import label_of, latex_table
from bench.report.provenance import left_out, provenance, rates_note, sentence
from bench.report.shifts import shift_block
from bench.report.strata_block import kinds_block
from bench.report.table import Block, Table

LINE = 120


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

    @property
    def notes(self) -> list[str]:
        """Sentences that hold for all tables."""
        shown = [section for section in self.sections if any(cost.is_rate for cost in section.shown(self.costs))]
        rated = [cell for section in shown for cell in section.finished]
        return [*([rates_note(rated)] if rated else []), *left_out(self.pool)]


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
    entries = entries_of(cells.cells)
    if baseline is not None:
        names = sorted({entry.group.fusion for entry in entries if entry.role == "fusion"})
        baseline = choose_one(baseline, names, "--baseline")
    return Report(runs, cells, entries, metrics, costs, baseline, margin)


def to_markdown(report: Report) -> str:
    """One section per table, then notes and provenance. Reads well as plain text, too."""
    blocks = [_section_markdown(section, found, report) for section, found in report.compared]
    if report.baseline is not None:
        blocks.insert(0, _conclusion_markdown(report))
    sources = [sentence(facts) for facts in provenance(report.runs)]
    blocks.append("\n\n".join(["## Provenance", *map(_wrap, report.notes), _bullets(sources)]))
    return "\n\n".join(blocks) + "\n"


def to_csv(report: Report) -> str:
    """The leaderboard of all runs together, with what the comparison found in columns at the end."""
    rows = leaderboard.rows(report.entries)
    if report.baseline is None:
        return leaderboard.to_csv(rows)
    known = {key: columns for section, found in report.compared for key, columns in verdict_columns(section, found)}
    compared = [row | known.get(leaderboard.key_of(row), {}) for row in rows]
    return leaderboard.to_csv(compared, COMPARED)


def to_json(report: Report) -> str:
    """The leaderboard of all runs together with captions, failures, notes and provenance."""
    content = {
        "schema": leaderboard.SCHEMA,
        "sections": [_section_json(section, found) for section, found in report.compared],
        "rows": leaderboard.rows(report.entries),
        "notes": report.notes,
        "provenance": provenance(report.runs),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_latex(report: Report) -> str:
    """Main tables and comparisons as LaTeX tables; the document needs the package booktabs."""
    tables = [r"% \usepackage{booktabs}"]
    for section, found in report.compared:
        table = Table(section, report.metrics, report.costs)
        main = table.main()
        if main:
            sentences, notes = " ".join(caption(section)), footnotes.legend(table.compared)
            tables.append(latex_table(main, sentences, label_of(section.title), notes))
        for comparison in found:
            name = label_of(section.title, comparison.domain, "compared")
            tables.append(latex_table(comparison_grid(comparison), comparison_sentence(comparison), name))
    return "\n\n".join(tables) + "\n"


def to_html(report: Report) -> str:
    """One page that opens offline; needs the extra ``html``, and raises ``UsageError`` without it."""
    from bench.report.page.page import render  # it reads the whole of this module's report

    return render(report)


FORMATS: MappingProxyType[str, Callable[[Report], str]] = MappingProxyType(
    {"md": to_markdown, "csv": to_csv, "tex": to_latex, "json": to_json, "html": to_html}
)


def _conclusion_markdown(report: Report) -> str:
    """What the comparisons say in plain words, section by section."""
    blocks = ["## Conclusion"]
    for section, found in report.compared:
        lines = conclusion(section, found) or [f"Nothing to compare with {report.baseline}."]
        blocks += [f"### {section.title}"] if len(report.sections) > 1 else []
        blocks += map(_wrap, lines)
    return "\n\n".join(blocks)


def _section_markdown(section: Section, found: Sequence[Comparison], report: Report) -> str:
    table = Table(section, report.metrics, report.costs)
    conditions, how_to_read, *backbones = caption(section)
    facts = _bullets(backbones) if len(backbones) > 1 else _wrap(backbones[0])
    main = table.main()
    roles = {"reference": "references", "control": "controls"}
    only = " and ".join(name for role, name in roles.items() if any(entry.role == role for entry in table.apart))
    blocks = [f"## {section.title}", _wrap(f"{conditions} {how_to_read}"), facts]
    blocks += [main.markdown()] if main else [f"Only {only} here."]
    blocks += [_wrap(line) for line in footnotes.legend(table.compared)]
    known = knowledge(section.entries)
    blocks += ["### References and controls", *([_wrap(known)] if known else []), table.references().markdown()]
    for comparison in found:
        heading = f"### Compared with {comparison.baseline} on {comparison.domain}"
        blocks += [heading, _wrap(comparison_sentence(comparison)), comparison_grid(comparison).markdown()]
    if report.baseline is not None:
        blocks += _by_backbone("Ranks", section, lambda part: aggregates_block(part, report.metrics[0]))
    blocks += _by_backbone("Shifts", section, lambda part: shift_block(part, report.metrics[0]))
    blocks += _by_backbone("Kinds of pairs", section, lambda part: kinds_block(part, report.metrics[0]))
    blocks += _list("Failed cells", footnotes.failures(section))
    blocks += _list("Not learned", footnotes.not_learned(section))
    blocks += _list("Not matched in parameters", footnotes.unmatched(section))
    blocks += _list("Not applicable", footnotes.not_applicable(section))
    if "macs" in report.costs:
        blocks += _list("MACs marked ≥ leave out these operators", footnotes.uncounted(section))
    return "\n\n".join(blocks)


def _by_backbone(title: str, section: Section, block_of: Callable[[Section], Block | None]) -> list[str]:
    """A block of its own for each backbone that has one, under a heading."""
    blocks = []
    for backbone in section.backbones:
        block = block_of(section.of(backbone))
        if block:
            heading = f"### {title}" if len(section.backbones) == 1 else f"### {title}: {backbone}"
            blocks += [heading, _wrap(block.sentence), *block.tables, *map(_wrap, block.legend)]
    return blocks


def _section_json(section: Section, found: Sequence[Comparison]) -> dict[str, Any]:
    return {
        "title": section.title,
        "domain": section.domain,
        "protocol": section.protocol,
        "warmup": section.warmup,
        "warmup_seed": section.warmup_seed,
        "recipe_ids": sorted({entry.group.recipe_id for entry in section.entries}),
        "caption": caption(section),
        "failed": footnotes.failures(section),
        "not_learned": footnotes.not_learned(section),
        "unmatched": footnotes.unmatched(section),
        "not_applicable": footnotes.not_applicable(section),
        "uncounted": footnotes.uncounted(section),
        "comparisons": [as_dict(comparison) for comparison in found],
        "conclusion": conclusion(section, found),
    }


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", _bullets(lines)] if lines else []


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _wrap(text: str) -> str:
    held_together = text.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.fill(held_together, LINE, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ")
