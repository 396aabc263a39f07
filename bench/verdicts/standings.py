"""Standings: the fusions of one backbone on one domain, best first, and what is said of each beside the best one or
beside a baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import UsageError
from bench.metrics import LOWER, METRICS
from bench.records.entries import Entry
from bench.records.sections import Section
from bench.records.ties import how_marked, tie_groups
from bench.verdicts.verdicts import Verdict, compare_to_baseline


@dataclass(frozen=True)
class Standing:
    """What is said of one fusion.

    Attributes:
        n: repetitions that were tested.
        mean: of the metric over these, with the half width of its interval, nan where there is none.
        verdict: of its difference from the baseline; None of the baseline itself.
        is_tied: whether it belongs to the tie group, and so may be the best.
    """

    fusion: str
    n: int
    mean: float
    half_width: float
    verdict: Verdict | None
    is_tied: bool


@dataclass(frozen=True)
class Standings:
    """The fusions of one backbone on one domain that have a score, best first.

    Attributes:
        domain: tested on.
        baseline: that the verdicts are beside. is_best: whether it is that for having the best mean.
        margin: of the equivalences, in the unit of the metric.
    """

    section: Section
    domain: str
    metric: str
    baseline: str
    is_best: bool
    margin: float
    members: tuple[Standing, ...]

    @property
    def is_judged(self) -> bool:
        """Whether there are seeds enough to infer anything."""
        return any(one.verdict and one.verdict.family for one in self.members)

    @property
    def tied(self) -> tuple[str, ...]:
        """Names of the tie group."""
        return tuple(one.fusion for one in self.members if one.is_tied)

    @property
    def counts(self) -> Sequence[int]:
        """Repetitions that the mean of each fusion is over."""
        return [one.n for one in self.members]


def what_is_marked(columns: Iterable[Standings]) -> str:
    """What a mark on the members of their tie groups says."""
    return how_marked(max((count for column in columns for count in column.counts), default=0))


def standings_of(section: Section, domain: str, metric: str, margin: float, baseline: str = "") -> Standings:
    """The fusions of ``section``, which has a single backbone, on an evaluated domain.

    Args:
        margin: in the unit of the metric. baseline: the best one where empty.

    Raises:
        UsageError: neither direction of the metric is better, or the baseline, or any fusion, has no score there.
    """
    ranked = best_first(section.ranked("fusion", metric), domain, metric)
    if not ranked:
        raise UsageError(f"no fusion has {metric} on {domain}")
    against = baseline or ranked[0].group.fusion
    found = compare_to_baseline(section.entries, against, metric, domain, margin)
    verdicts = {verdict.fusion: verdict for verdict in found}
    marks = tie_groups(ranked, domain, [metric])[:, 0].tolist()
    members = tuple(
        Standing(
            entry.group.fusion,
            len(entry.tested(domain)),
            entry.mean(domain, metric),
            entry.half_width(domain, metric),
            verdicts.get(entry.group.fusion),
            is_tied,
        )
        for entry, is_tied in zip(ranked, marks, strict=True)
    )
    return Standings(section, domain, metric, against, not baseline, margin, members)


def best_first(entries: Iterable[Entry], domain: str, metric: str) -> list[Entry]:
    """Entries with a score on an evaluated domain; of equal ones the order is kept."""
    sign = 1 if METRICS.get(metric).direction == LOWER else -1
    scored = [entry for entry in entries if not math.isnan(entry.mean(domain, metric))]
    return sorted(scored, key=lambda entry: sign * entry.mean(domain, metric))


def by_conditions(sections: Iterable[Section]) -> Mapping[str, Sequence[Section]]:
    """Sections that differ in the domain trained on, and in the backbone, alone; by what they share.

    Args:
        sections: each with a single backbone.
    """
    found: dict[str, list[Section]] = {}
    for section in sections:
        found.setdefault(section.conditions.removesuffix(f" · {section.backbone}"), []).append(section)
    return found
