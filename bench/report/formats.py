"""A report of one or more runs, and its text as Markdown, CSV or JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from bench.report import footnotes, leaderboard
from bench.report.caption import caption
from bench.report.columns import COSTS
from bench.report.entries import Entry, entries_of
from bench.report.kinds import kinds_block
from bench.report.load import Pool, Run, pool
from bench.report.matrix import Block
from bench.report.provenance import left_out, provenance, rates_note, sentence
from bench.report.references import knowledge
from bench.report.sections import Section, sections_of
from bench.report.shifts import shift_block
from bench.report.table import Table

LINE = 120


@dataclass(frozen=True)
class Report:
    """Everything a format needs: the runs, their cells together, and the columns that were asked for."""

    runs: Sequence[Run]
    pool: Pool
    entries: tuple[Entry, ...]
    metrics: tuple[str, ...]
    costs: tuple[str, ...]

    @property
    def notes(self) -> list[str]:
        """Sentences that hold for all tables."""
        has_rates = any(COSTS[name].is_rate for name in self.costs)
        return [*([rates_note(self.runs, self.pool)] if has_rates else []), *left_out(self.pool)]


def build(runs: Sequence[Run], metrics: tuple[str, ...], costs: tuple[str, ...]) -> Report:
    """Summarise the cells of ``runs`` together."""
    cells = pool(runs)
    return Report(runs, cells, entries_of(cells.cells), metrics, costs)


def to_markdown(report: Report) -> str:
    """One section per table, then notes and provenance. Reads well as plain text, too."""
    blocks = [_section_markdown(section, report) for section in sections_of(report.entries)]
    sources = [sentence(facts) for facts in provenance(report.runs)]
    blocks.append("\n\n".join(["## Provenance", *map(_wrap, report.notes), _bullets(sources)]))
    return "\n\n".join(blocks) + "\n"


def to_csv(report: Report) -> str:
    """The leaderboard of all runs together."""
    return leaderboard.to_csv(leaderboard.rows(report.entries))


def to_json(report: Report) -> str:
    """The leaderboard of all runs together with captions, failures, notes and provenance."""
    content = {
        "schema": leaderboard.SCHEMA,
        "sections": [_section_json(section) for section in sections_of(report.entries)],
        "rows": leaderboard.rows(report.entries),
        "notes": report.notes,
        "provenance": provenance(report.runs),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


FORMATS: MappingProxyType[str, Callable[[Report], str]] = MappingProxyType(
    {"md": to_markdown, "csv": to_csv, "json": to_json}
)


def _section_markdown(section: Section, report: Report) -> str:
    table = Table(section, report.metrics, report.costs)
    conditions, how_to_read, *backbones = caption(section)
    facts = _bullets(backbones) if len(backbones) > 1 else _wrap(backbones[0])
    main = table.main()
    roles = {"reference": "references", "control": "controls"}
    only = " and ".join(name for role, name in roles.items() if any(entry.role == role for entry in table.apart))
    blocks = [f"## {section.title}", _wrap(f"{conditions} {how_to_read}"), facts]
    blocks += [main] if main else [f"Only {only} here."]
    blocks += [_wrap(line) for line in footnotes.legend(table.compared)]
    known = knowledge(section.entries)
    blocks += ["### References and controls", *([_wrap(known)] if known else []), table.references()]
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


def _section_json(section: Section) -> dict[str, Any]:
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
    }


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", _bullets(lines)] if lines else []


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _wrap(text: str) -> str:
    held_together = text.replace(" %", "\N{NO-BREAK SPACE}%")
    lines = textwrap.fill(held_together, LINE, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ")
