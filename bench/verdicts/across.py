"""Fusions beside each other on every domain that they were trained on: who may be the best on each, and on average."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.records.blocks import score_table, shared_by
from bench.records.entries import Entry
from bench.records.record import Group
from bench.records.sections import Section
from bench.records.ties import ties_among
from bench.stats.intervals import FEWEST_SEEDS, estimate
from bench.stats.pair_error import PairCovariances
from bench.stats.paired import Paired, paired
from bench.stats.ties import tie_group
from bench.text import by_number
from bench.verdicts.order import FEWEST_FUSIONS, Agreement, agreements

Array = NDArray[np.float64]

FEWEST_DOMAINS = FEWEST_SIDE_BY_SIDE = 2
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Across:
    """Fusions of one backbone and recipe on the domains that all of them were trained on and tested on.

    Attributes:
        conditions: of all of them; its domain and fusion are empty.
        told_apart: the conditions as a heading says them, so far as they tell tables apart.
        fusions: best mean over the domains first.
        mean, half_width, ties: (fusions, domains + 1), the last column over the mean of the domains: means, the half
            widths of their 95 % intervals, and who may be the best.
        behind: (fusions,) how far, at most, behind the best mean of a domain.
        scores: (repetitions, fusions) means over the domains; each domain has repetitions of its own, and as many of
            them count as the one with the fewest has that all fusions share.
        shared: what these have in common, where seeds share test pairs.
        agreements: how alike every two domains order three fusions or more.
        left_out: fusions that miss a domain.
    """

    conditions: Group
    told_apart: str
    metric: str
    domains: tuple[str, ...]
    fusions: tuple[str, ...]
    mean: Array
    half_width: Array
    ties: NDArray[np.bool_]
    behind: Array
    scores: Array
    shared: PairCovariances
    agreements: tuple[Agreement, ...]
    left_out: tuple[str, ...]

    @property
    def repetitions(self) -> int:
        """That each mean is over."""
        return len(self.scores)

    @property
    def may_be_best(self) -> tuple[str, ...]:
        """The tie group of the mean over the domains, best first."""
        return tuple(fusion for fusion, ties in zip(self.fusions, self.ties[:, -1], strict=True) if ties)

    def lead_over(self, baseline: str) -> Paired:
        """How far the best mean is ahead of that of ``baseline``. The interval holds for whichever fusion is the best:
        each of those that it was chosen from has one at 5 % / their number (Bonferroni)."""
        return self.lead(self.fusions[0], baseline, 1 - (1 - CONFIDENCE) / max(len(self.fusions) - 1, 1))

    def lead(self, fusion: str, baseline: str, confidence: float = CONFIDENCE) -> Paired:
        """How far the mean of a fusion over the domains is ahead of that of ``baseline``, paired by repetition."""
        one, other = self.fusions.index(fusion), self.fusions.index(baseline)
        differences = METRICS.get(self.metric).direction * (self.scores[:, one] - self.scores[:, other])
        return paired(differences, confidence, self.shared.apart(one, other))


@dataclass(frozen=True)
class _Column:
    """One domain: the fusions, their scores (blocks, fusions) on the blocks that all have, and what their test pairs
    share."""

    entries: Sequence[Entry]
    scores: Array
    shared: PairCovariances

    @classmethod
    def of(cls, entries: Sequence[Entry], domain: str, metric: str) -> _Column:
        table = score_table(entries, [(domain, metric)])[..., 0]
        return cls(entries, table[~np.isnan(table).any(axis=1)], shared_by(entries, domain, metric))


def across(sections: Iterable[Section], metric: str, fewest: int = FEWEST_DOMAINS, shift: str = "") -> list[Across]:
    """The sections beside each other that differ in the domain trained on alone; nothing for a metric of which neither
    direction is better.

    Args:
        fewest: domains; sections of fewer are left out.
        shift: of the domain trained on, under which scores are compared; sections that were not tested under it are
            left out. Empty for the domain itself.
    """
    if METRICS.get(metric).direction == NEITHER:
        return []
    found: dict[Group, dict[str, _Tested]] = defaultdict(dict)
    titles: dict[Group, set[str]] = defaultdict(set)
    for section in sections:
        tested_on = section.shifts.get(shift, "") if shift else section.domain
        for entry in section.ranked("fusion", metric) if tested_on else ():
            alike = entry.group._replace(domain="", fusion="")
            found[alike].setdefault(section.domain, _Tested(tested_on, [])).entries.append(entry)
            titles[alike].add(section.conditions)
    # What has to be told on one of its domains is the longest.
    boards = [
        _board(group, max(titles[group], key=len), by_domain, metric)
        for group, by_domain in sorted(found.items())
        if len(by_domain) >= fewest
    ]
    return [board for board in boards if board is not None]


class _Tested(NamedTuple):
    """Entries of one domain trained on, and the domain that their scores are of."""

    tested_on: str
    entries: list[Entry]


def _board(conditions: Group, told_apart: str, by_domain: dict[str, _Tested], metric: str) -> Across | None:
    direction, domains = METRICS.get(metric).direction, tuple(sorted(by_domain, key=by_number))
    scored = {
        domain: {one.group.fusion: one for one in entries if not math.isnan(one.mean(tested_on, metric))}
        for domain, (tested_on, entries) in by_domain.items()
    }
    every = dict.fromkeys(entry.group.fusion for domain in domains for entry in by_domain[domain].entries)
    fusions = [fusion for fusion in every if all(fusion in scored[domain] for domain in domains)]
    if len(fusions) < FEWEST_SIDE_BY_SIDE:
        return None
    columns = [
        _Column.of([scored[domain][fusion] for fusion in fusions], by_domain[domain].tested_on, metric)
        for domain in domains
    ]
    blocks = min(len(column.scores) for column in columns)
    if not blocks:
        return None
    # As many of each domain, so that the mean is that of the columns beside it.
    scores = np.stack([column.scores[:blocks] for column in columns])
    tied = [ties_among(one.entries, own, metric, one.shared) for own, one in zip(scores, columns, strict=True)]
    values, shared = scores.mean(axis=0), reduce(add, (one.shared for one in columns)).scaled(1 / len(domains))
    tables = [*zip(scores, (one.shared for one in columns), strict=True), (values, shared)]
    estimates = [estimate(own, common.own, common.freedom) for own, common in tables]
    mean, half_width = (np.stack([getattr(one, name) for one in estimates], axis=1) for name in ("mean", "half_width"))
    of_mean = tie_group(values, direction, shared.between, shared.freedom, shared.step)
    ties = np.stack([*tied, of_mean], axis=1)
    best = (direction * mean[:, :-1]).max(axis=0)
    enough = len(domains) > 1 and len(fusions) >= FEWEST_FUSIONS and blocks >= FEWEST_SEEDS
    order = np.argsort(-direction * mean[:, -1], kind="stable")
    return Across(
        conditions,
        told_apart,
        metric,
        domains,
        fusions=tuple(fusions[place] for place in order),
        mean=mean[order],
        half_width=half_width[order],
        ties=ties[order],
        behind=(best - direction * mean[:, :-1]).max(axis=1)[order],
        scores=values[:, order],
        shared=replace(shared, products=shared.products[:, order][:, :, order]),
        agreements=tuple(agreements(domains, direction * np.moveaxis(scores, 1, 2))) if enough else (),
        left_out=tuple(fusion for fusion in every if fusion not in fusions),
    )
