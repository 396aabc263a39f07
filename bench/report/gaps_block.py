"""What the fusions of a section lose on other domains, and what of it is sure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.plots.style import metric_label
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.report.against_baseline import DISPUTED, sign_flip_notes, verdict_dict, word_of
from bench.report.table import Block, Grid, matrix
from bench.text import MISSING, p_text
from bench.verdicts.gaps import Gap
from bench.verdicts.unit import unit_of
from bench.verdicts.verdicts import Verdict

SIGNS = {"better": "▲", "worse": "▼", "equivalent": "≈"}
LEGEND = "▼ surely worse, ▲ surely better, ≈ surely within the margin, each at 5 % over the fusions of a row."

# What was asked, and the verdicts by fusion.
Row = tuple[str, Mapping[str, Verdict]]


def gaps_block(section: Section, gaps: Sequence[Gap], metric: str, baseline: str | None, margin: float) -> Block | None:
    """Tables of gaps by domain and fusion; None where none has the repetitions to be judged.

    Args:
        section: of a single backbone. gaps: of all backbones.
    """
    rows = _rows(section, gaps, baseline)
    every = [verdict for _, of in rows for verdict in of.values()]
    if all(verdict.word == "too few seeds" for verdict in every):
        return None
    tested = {verdict.fusion for verdict in every}
    entries = [entry for entry in section.ranked("fusion", metric) if entry.group.fusion in tested]
    unit = unit_of(metric)

    def value(of: Mapping[str, Verdict], entry: Entry) -> str:
        verdict = of.get(entry.group.fusion)
        if verdict is None:
            return MISSING
        interval = f" ± {unit.size(verdict.paired.half_width)}" if verdict.paired.n > 1 else ""
        return f"{unit.signed(verdict.paired.mean)}{interval} {sign(verdict)}"

    labelled = [([name], of) for name, of in rows]
    return Block(
        sentence(section, metric, baseline, margin),
        matrix(["gap"], labelled, entries, value),
        [LEGEND, *sign_flip_notes(every, section.repeats)],
    )


def sentence(section: Section, metric: str, baseline: str | None, margin: float) -> str:
    """How to read the block."""
    unit = unit_of(metric)
    rows = f" Rows with a minus: that gap minus the gap of {baseline}." if baseline else ""
    return (
        f"{metric_label(metric)} on another domain minus that on {section.domain}, after training on {section.domain} "
        f"alone,{unit.name}: mean ± half width of the 95 % t interval over {section.repeats}s. Paired t tests against "
        f"0 and two one-sided ones against {unit.short(margin)}, adjusted by Holm over the fusions of a row.{rows}"
    )


def grid(section: Section, gaps: Sequence[Gap], metric: str, baseline: str | None) -> Grid | None:
    """One line per gap and fusion, for a page that sorts and filters; None where there is none."""
    unit = unit_of(metric)
    lines = [
        [
            name,
            verdict.fusion,
            unit.signed(verdict.paired.mean),
            unit.signed(verdict.paired.low),
            unit.signed(verdict.paired.high),
            p_text(verdict.p_holm),
            word_of(verdict, section.repeats),
            str(verdict.paired.n),
        ]
        for name, of in _rows(section, gaps, baseline)
        for verdict in of.values()
    ]
    header = ["gap", "fusion", f"gap,{unit.name}", "interval from", "to", "p (Holm)", "verdict", f"{section.repeats}s"]
    return Grid(header, lines, left=2) if lines else None


def as_dicts(gaps: Sequence[Gap], baseline: str | None) -> list[dict[str, Any]]:
    """The gaps for JSON, those of every backbone, in the unit of the metric; None for what is not defined."""
    return [
        {
            "gap": gap.contrast.name,
            "domains": [list(pair) for pair in gap.contrast.pairs],
            "fusions": [verdict_dict(verdict) for verdict in gap.own],
            "baseline": baseline,
            "against_baseline": [verdict_dict(verdict) for verdict in gap.against],
        }
        for gap in gaps
    ]


def _rows(section: Section, gaps: Sequence[Gap], baseline: str | None) -> list[Row]:
    asked = [
        (name, verdicts)
        for gap in gaps
        for name, verdicts in ((gap.contrast.name, gap.own), (f"{gap.contrast.name} - {baseline}'s", gap.against))
    ]
    here = section.backbones
    rows = [(name, {one.fusion: one for one in verdicts if one.backbone in here}) for name, verdicts in asked]
    return [(name, of) for name, of in rows if of]


def sign(verdict: Verdict) -> str:
    """What a verdict is shown as beside a gap: see ``LEGEND``."""
    return SIGNS.get(verdict.word, " ") + (DISPUTED if verdict.is_disputed else "")
