"""Gaps: what fusions lose on something else than they were trained on, and whether they surely do.

A gap is taken within each run, so it needs no pairing; two gaps are compared over shared blocks, as scores are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np

from bench.metrics import METRICS, NEITHER
from bench.quarters import QUARTERS
from bench.records.blocks import Array, by_conditions, score_table, shared_by
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.stats.pair_error import PairCovariances
from bench.verdicts.verdicts import Difference, Verdict, against, difference_of, judge

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


def gap_table(entries: Sequence[Entry], contrast: Contrast, metric: str) -> Array:
    """The gap of each run (rows, entries), nan where it was not tested on all domains of the contrast; runs of a row
    may be paired."""
    table = score_table(entries, [(domain, metric) for pair in contrast.pairs for domain in pair])
    return np.asarray((table[..., ::2] - table[..., 1::2]).mean(axis=-1))


def gap_covariances(entries: Sequence[Entry], contrast: Contrast, metric: str) -> PairCovariances:
    """How the draws of test pairs, of which each domain has its own, move the gaps together."""
    domains = [domain for pair in contrast.pairs for domain in pair]
    return reduce(add, (shared_by(entries, domain, metric) for domain in domains)).scaled(1 / len(contrast.pairs))


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
    found = []
    for contrast in contrasts(section):
        own: list[Difference] = []
        others: list[Difference] = []
        for members in by_conditions(fusions):
            values, shared = gap_table(members, contrast, metric), gap_covariances(members, contrast, metric)
            own += [
                difference_of(entry, column, shared.of(place))
                for place, (entry, column) in enumerate(zip(members, values.T, strict=True))
            ]
            others += against(members, values, baseline, shared) if baseline else []
        first, second = (judge([one for one in asked if len(one.values)], direction, margin) for asked in (own, others))
        if first:
            found.append(Gap(contrast, tuple(first), tuple(second)))
    return found
