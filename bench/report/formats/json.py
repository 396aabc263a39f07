"""A report as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.markup import json_text
from bench.records import leaderboard
from bench.records.sections import Section
from bench.report import across_block, effects_block, footnotes, gaps_block, lift_block, order_block, quarters_block
from bench.report.against_baseline import Comparison, as_dict
from bench.report.caption import caption
from bench.report.conclusion import conclusion
from bench.report.formats import ReportFormat, register_report_format
from bench.report.provenance import provenance
from bench.report.report import Report


@register_report_format
class Json(ReportFormat):
    """The leaderboard of all runs together with captions, failures, notes and provenance."""

    name = "json"

    def render(self, report: Report) -> str:
        content = {
            "schema": leaderboard.SCHEMA,
            "across": [across_block.as_dict(found) for found in report.across],
            "sections": [_section(section, found, report) for section, found in report.compared],
            "rows": leaderboard.rows(report.entries, report.metrics[0]),
            "notes": report.notes,
            "provenance": provenance(report.runs),
        }
        return json_text(content)


def _section(section: Section, found: Sequence[Comparison], report: Report) -> dict[str, Any]:
    metric = report.metrics[0]
    return {
        "title": section.title,
        "domain": section.domain,
        "protocol": section.protocol,
        "warmup": section.warmup,
        "warmup_seed": section.warmup_seed,
        "repeats": section.repeats,
        "recipe_ids": sorted({entry.group.recipe_id for entry in section.entries}),
        "caption": caption(section),
        "failed": footnotes.failures(section),
        "unexpected": footnotes.unexpected(section),
        "not_learned": footnotes.not_learned(section),
        "overfitted": footnotes.overfitted(section),
        "unmatched": footnotes.unmatched(section),
        "not_applicable": footnotes.not_applicable(section),
        "uncounted": footnotes.uncounted(section),
        "lifts": lift_block.as_dicts(section, metric),
        "quarters": quarters_block.as_dicts(section, metric),
        "order": order_block.as_dicts(section, metric),
        "effects": effects_block.as_dict(section, report.sections, metric),
        "gaps": gaps_block.as_dicts(report.gaps[section.title], report.baseline),
        "comparisons": [as_dict(comparison) for comparison in found],
        "conclusion": conclusion(section, found),
    }
