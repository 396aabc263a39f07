"""How often the fusions of a section say "same" to each kind of pair that a domain tells apart."""

from __future__ import annotations

import math

from bench.records.entries import Entry
from bench.records.sections import Section
from bench.records.strata import are_levels, kinds_of
from bench.report.table import Block, estimate_text, matrix

Row = tuple[str, str]


def kinds_block(section: Section, metric: str) -> Block | None:
    """Tables of P(same) by kind of pair and fusion; None where no domain has kinds.

    Levels of one factor, such as severities, are no kinds.

    Args:
        section: of a single backbone. metric: orders the fusions; references follow them.
    """
    entries = [*section.ranked("fusion", metric), *section.references()]
    shown = {domain: domain for domain in (section.domain, *section.other_domains)}
    shown |= {domain: shift for shift, domain in section.shifts.items()}
    found = {(domain, entry.group.fusion): _p_same(entry, domain) for domain in shown for entry in entries}
    rows: list[tuple[list[str], Row]] = []
    for domain, name in shown.items():
        kinds = list(dict.fromkeys(kind for entry in entries for kind in found[domain, entry.group.fusion]))
        if kinds and not are_levels(kinds):
            rows += [([name, kind], (domain, kind)) for kind in kinds]
    if not rows:
        return None

    def value(row: Row, entry: Entry) -> str:
        domain, kind = row
        return estimate_text(found[domain, entry.group.fusion].get(kind, math.nan), math.nan)

    domains = {domain for _, (domain, _) in rows}
    tested = [entry for entry in entries if any(found[domain, entry.group.fusion] for domain in domains)]
    sentence = f"P(same): the share of the pairs of a kind that is called same, mean over {section.repeats}s."
    return Block(sentence, matrix(["tested on", "kind of pairs"], rows, tested, value))


def _p_same(entry: Entry, domain: str) -> dict[str, float]:
    """Mean P(same) by kind of pair; empty where the records tell none apart."""
    kinds = kinds_of(entry, domain)
    return dict(zip(kinds.names, kinds.p_same.mean.tolist(), strict=True)) if kinds else {}
