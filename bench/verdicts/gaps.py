"""Gaps: what fusions lose on something else than they were trained on, and whether they surely do.

A gap is taken within each run, so it needs no pairing; two gaps are compared over shared blocks, as scores are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics import METRICS, NEITHER
from bench.quarters import QUARTERS
from bench.records.blocks import Array, Block, are_alike, conditions, scores
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.verdicts.verdicts import Difference, Verdict, judge

# What each gap of quarters subtracts: the same pairs but for classes, or but for groups.
OF_QUARTERS = {
    "new classes": (("novel", "seen"), ("novel_both", "novel_group")),
    "new groups": (("novel_group", "seen"), ("novel_both", "novel")),
}


@dataclass(frozen=True)
class Contrast:
    """Pairs of evaluated domains: of each the second is taken from the first, and the mean over the pairs counts."""

    name: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gap:
    """A contrast with what it shows of each fusion.

    Attributes:
        own: whether the gap differs from 0. against: whether it differs from that of the baseline; empty without one.
    """

    contrast: Contrast
    own: tuple[Verdict, ...]
    against: tuple[Verdict, ...]


def quarter_domains(section: Section) -> Mapping[str, str]:
    """The domain of each quarter that was tested, in the order of ``QUARTERS``."""
    found = {
        tested.quarter: domain
        for domain in (section.domain, *section.shifts.values())
        for entry in section.entries
        for tested in entry.tested(domain)
    }
    return {name: found[name] for name in QUARTERS if name in found}


def quarter_contrasts(section: Section) -> list[Contrast]:
    """New against seen classes and groups, as far as their quarters were tested."""
    domains = quarter_domains(section)
    found = {what: [pair for pair in pairs if set(pair) <= domains.keys()] for what, pairs in OF_QUARTERS.items()}
    return [
        Contrast(what, tuple((domains[new], domains[old]) for new, old in pairs))
        for what, pairs in found.items()
        if pairs
    ]


def contrasts(section: Section) -> list[Contrast]:
    """Quarters against each other, then every other domain tested on against the one trained on."""
    quarters = quarter_contrasts(section)
    told = {domain for contrast in quarters for pair in contrast.pairs for domain in pair}
    others = {**section.shifts, **{domain: domain for domain in section.other_domains}}
    single = [Contrast(name, ((domain, section.domain),)) for name, domain in others.items() if domain not in told]
    return [*quarters, *single]


def gap_by_block(entry: Entry, contrast: Contrast, metric: str) -> dict[Block, float]:
    """The gap of each run that was tested on all domains of the contrast."""
    values = [(scores(entry, new, metric), scores(entry, old, metric)) for new, old in contrast.pairs]
    common = set.intersection(*(set(side) for both in values for side in both))
    return {block: float(np.mean([new[block] - old[block] for new, old in values])) for block in sorted(common)}


def gaps_of(section: Section, metric: str, margin: float, baseline: str | None = None) -> list[Gap]:
    """What each contrast shows of the fusions of a table, of which those of all backbones are one family.

    Nothing where neither direction of the metric is better.

    Args:
        margin: in the unit of the metric. baseline: fusion whose gap the others' are compared with.
    """
    direction = METRICS.get(metric).direction
    fusions = section.ranked("fusion", metric)
    if direction == NEITHER:
        return []
    baselines = {conditions(entry): entry for entry in fusions if entry.group.fusion == baseline}
    found = []
    for contrast in contrasts(section):
        values = {entry.group: gap_by_block(entry, contrast, metric) for entry in fusions}
        own = [_difference(entry, np.array(list(values[entry.group].values()))) for entry in fusions]
        pairs = [(entry, baselines[conditions(entry)]) for entry in fusions if conditions(entry) in baselines]
        against = [
            _difference(entry, _over_shared(entry, base, values[entry.group], values[base.group], contrast))
            for entry, base in pairs
            if entry is not base
        ]
        judged = [judge([one for one in asked if len(one.values)], direction, margin) for asked in (own, against)]
        if judged[0]:
            found.append(Gap(contrast, tuple(judged[0]), tuple(judged[1])))
    return found


def _difference(entry: Entry, values: Array) -> Difference:
    return Difference(entry.group.fusion, entry.group.backbone, values)


def _over_shared(
    entry: Entry, base: Entry, own: Mapping[Block, float], its: Mapping[Block, float], contrast: Contrast
) -> Array:
    """The gap of ``entry`` minus that of ``base`` (blocks,) over the blocks that both have and that may be paired."""
    first, second = ({cell.seed: cell for cell in one.finished} for one in (entry, base))
    domains = {domain for pair in contrast.pairs for domain in pair}
    shared = [
        block
        for block in own
        if block in its and all(are_alike([first[block[1]], second[block[1]]], domain) for domain in domains)
    ]
    return np.array([own[block] - its[block] for block in shared])
