"""A report as Markdown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence

from bench.markup import LINE_START, markdown, markdown_line
from bench.records.references import knowledge
from bench.records.sections import Section
from bench.report import across_block, footnotes
from bench.report.against_baseline import Comparison, comparison_grid, comparison_sentence, sign_flip_notes
from bench.report.aggregates import aggregates_block
from bench.report.caption import caption
from bench.report.conclusion import conclusion
from bench.report.effects_block import effects_block
from bench.report.formats import ReportFormat, register_report_format
from bench.report.gaps_block import gaps_block
from bench.report.lift_block import lift_block
from bench.report.order_block import order_block
from bench.report.provenance import provenance, sentence
from bench.report.quarters_block import quarters_block
from bench.report.report import Report
from bench.report.shifts import shift_block
from bench.report.strata_block import kinds_block
from bench.report.table import Block, Table

LINE = 120
# No line begins with what follows: a share would be alone, and the rest would become a list or a heading.
HELD_TOGETHER = re.compile(rf" (?=%|[=>]|{LINE_START.pattern})")


@register_report_format
class Markdown(ReportFormat):
    """One section per table, then notes and provenance. Reads well as plain text, too."""

    name = "md"

    def render(self, report: Report) -> str:
        blocks = [*_across(report), *(_section(section, found, report) for section, found in report.compared)]
        if report.baseline is not None:
            blocks.insert(0, _conclusion(report))
        sources = [sentence(facts) for facts in provenance(report.runs)]
        blocks.append("\n\n".join(["## Provenance", *map(wrap, report.notes), bullets(sources)]))
        return "\n\n".join(blocks) + "\n"


def _across(report: Report) -> list[str]:
    """Several domains beside each other; nothing where there is one."""
    tables = [(across_block.title(found), across_block.across_block(found)) for found in report.across]
    return ["\n\n".join(["## Across domains", *(part for one in tables for part in _blocks(*one))])] if tables else []


def _conclusion(report: Report) -> str:
    """What the comparisons say in plain words, section by section."""
    blocks = ["## Conclusion"]
    for section, found in report.compared:
        lines = conclusion(section, found) or [f"Nothing to compare with {report.baseline}."]
        blocks += [f"### {markdown(section.title)}"] if len(report.sections) > 1 else []
        blocks += map(wrap, lines)
    return "\n\n".join(blocks)


def _section(section: Section, found: Sequence[Comparison], report: Report) -> str:
    table = Table(section, report.metrics, report.costs)
    conditions, how_to_read, *backbones = caption(section)
    facts = bullets(backbones) if len(backbones) > 1 else wrap(backbones[0])
    main = table.main()
    roles = {"reference": "references", "control": "controls"}
    only = " and ".join(name for role, name in roles.items() if any(entry.role == role for entry in table.apart))
    blocks = [f"## {markdown(section.title)}", wrap(f"{conditions} {how_to_read}"), facts]
    blocks += [main.markdown()] if main else [f"Only {only} here."]
    blocks += [wrap(line) for line in footnotes.legend(table.compared)]
    known = knowledge(section.entries)
    blocks += ["### References and controls", *([wrap(known)] if known else []), table.references().markdown()]
    blocks += _by_backbone("Over the controls", section, lambda part: lift_block(part, report.metrics[0]))
    for comparison in found:
        heading = f"### Compared with {markdown(comparison.baseline)} on {markdown(comparison.domain)}"
        blocks += [heading, wrap(comparison_sentence(comparison)), comparison_grid(comparison).markdown()]
        blocks += map(wrap, sign_flip_notes(comparison.verdicts, comparison.repeats))
    if report.baseline is not None:
        blocks += _by_backbone("Ranks", section, lambda part: aggregates_block(part, report.metrics[0]))
    blocks += _by_backbone("Shifts", section, lambda part: shift_block(part, report.metrics[0]))
    blocks += _by_backbone("New classes and groups", section, lambda part: quarters_block(part, report.metrics[0]))
    asked = report.gaps[section.title], report.metrics[0], report.baseline, report.margin
    blocks += _by_backbone("Gaps", section, lambda part: gaps_block(part, *asked))
    blocks += _by_backbone("Order", section, lambda part: order_block(part, report.metrics[0]))
    blocks += _blocks("What the spread is made of", effects_block(section, report.sections, report.metrics[0]))
    blocks += _by_backbone("Kinds of pairs", section, lambda part: kinds_block(part, report.metrics[0]))
    blocks += _list("Failed cells", footnotes.failures(section))
    blocks += _list("Learned, though kept to show a failure", footnotes.unexpected(section))
    blocks += _list("Not learned", footnotes.not_learned(section))
    blocks += _list("Overfitted", footnotes.overfitted(section))
    blocks += _list("Not matched in parameters", footnotes.unmatched(section))
    blocks += _list("Not applicable", footnotes.not_applicable(section))
    if "macs" in report.costs:
        blocks += _list("MACs marked ≥ leave out these operators", footnotes.uncounted(section))
    return "\n\n".join(blocks)


def _by_backbone(title: str, section: Section, block_of: Callable[[Section], Block | None]) -> list[str]:
    """A block of its own for each backbone that has one, under a heading."""
    blocks = []
    for backbone in section.backbones:
        named = title if len(section.backbones) == 1 else f"{title}: {markdown(backbone)}"
        blocks += _blocks(named, block_of(section.of(backbone)))
    return blocks


def _blocks(title: str, block: Block | None) -> list[str]:
    if block is None:
        return []
    return [f"### {title}", wrap(block.sentence), *block.tables, *map(wrap, block.legend)]


def _list(title: str, lines: Sequence[str]) -> list[str]:
    return [f"{title}:", bullets(lines)] if lines else []


def bullets(lines: Iterable[str]) -> str:
    """A list, one item a line."""
    return "\n".join(f"- {markdown_line(line)}" for line in lines)


def wrap(text: str) -> str:
    """A paragraph in lines of at most ``LINE`` characters."""
    held_together = HELD_TOGETHER.sub("\N{NO-BREAK SPACE}", markdown_line(text))
    lines = textwrap.fill(held_together, LINE, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\N{NO-BREAK SPACE}", " ")
