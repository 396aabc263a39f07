"""Fusions beside each other on every domain that they were trained on: who may be the best on each, and on average."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.records.blocks import score_table, shared_by
from bench.records.entries import Entry
from bench.records.record import Group
from bench.records.sections import Section
from bench.records.ties import tie_groups
from bench.stats.intervals import FEWEST_SEEDS, estimate
from bench.stats.pair_error import PairCovariances
from bench.stats.ties import tie_group
from bench.verdicts.order import FEWEST_FUSIONS, Agreement, agreements

Array = NDArray[np.float64]

FEWEST_DOMAINS = FEWEST_SIDE_BY_SIDE = 2


@dataclass(frozen=True)
class Across:
    """Fusions of one backbone and recipe on the domains that all of them were trained on and tested on.

    Attributes:
        conditions: of all of them; its domain and fusion are empty.
        fusions: best mean over the domains first.
        repetitions: on which each mean is over; a domain has its own.
        mean, half_width, ties: (fusions, domains + 1), the last column over the mean of the domains: means, the half
            widths of their 95 % intervals, and who may be the best.
        behind: (fusions,) how far, at most, behind the best mean of a domain.
        agreements: how alike every two domains order three fusions or more.
        left_out: fusions that miss a domain.
    """

    conditions: Group
    metric: str
    domains: tuple[str, ...]
    fusions: tuple[str, ...]
    repetitions: int
    mean: Array
    half_width: Array
    ties: NDArray[np.bool_]
    behind: Array
    agreements: tuple[Agreement, ...]
    left_out: tuple[str, ...]


def across(sections: Iterable[Section], metric: str) -> list[Across]:
    """The sections beside each other that differ in the domain trained on alone; nothing for those that stand alone,
    and for a metric of which neither direction is better."""
    direction = METRICS.get(metric).direction
    if direction == NEITHER:
        return []
    found: dict[Group, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
    for section in sections:
        for entry in section.ranked("fusion", metric):
            alike = entry.group._replace(domain="", fusion="")
            found[alike][section.domain].append(entry)
    boards = (_board(conditions, domains, metric, direction) for conditions, domains in sorted(found.items()))
    return [board for board in boards if board is not None]


def _board(conditions: Group, by_domain: dict[str, list[Entry]], metric: str, direction: int) -> Across | None:
    domains = tuple(sorted(by_domain))
    scored = {
        domain: {entry.group.fusion: entry for entry in by_domain[domain] if not math.isnan(entry.mean(domain, metric))}
        for domain in domains
    }
    every = dict.fromkeys(entry.group.fusion for domain in domains for entry in by_domain[domain])
    fusions = [fusion for fusion in every if all(fusion in scored[domain] for domain in domains)]
    if len(domains) < FEWEST_DOMAINS or len(fusions) < FEWEST_SIDE_BY_SIDE:
        return None
    rows = [[scored[domain][fusion] for fusion in fusions] for domain in domains]
    columns = [_column(own, domain, metric) for own, domain in zip(rows, domains, strict=True)]
    blocks = min(len(values) for _, _, _, values, _ in columns)
    by_domain_scores = np.stack([values[:blocks] for _, _, _, values, _ in columns])
    values = by_domain_scores.mean(axis=0)
    shared = reduce(add, (own for *_, own in columns)).scaled(1 / len(domains))
    overall = estimate(values, shared.own, shared.freedom)
    mean = np.stack([*(column[0] for column in columns), overall.mean], axis=1)
    half_width = np.stack([*(column[1] for column in columns), overall.half_width], axis=1)
    ties = np.stack([*(column[2] for column in columns), tie_group(values, direction, shared.between)], axis=1)
    best = (direction * mean[:, :-1]).max(axis=0)
    behind = (best - direction * mean[:, :-1]).max(axis=1)
    enough = len(fusions) >= FEWEST_FUSIONS and blocks >= FEWEST_SEEDS
    alike = agreements(domains, direction * np.moveaxis(by_domain_scores, 1, 2)) if enough else []
    order = np.argsort(-direction * mean[:, -1], kind="stable")
    return Across(
        conditions,
        metric,
        domains,
        tuple(fusions[place] for place in order),
        blocks,
        mean[order],
        half_width[order],
        ties[order],
        behind[order],
        tuple(alike),
        tuple(fusion for fusion in every if fusion not in fusions),
    )


def _column(
    entries: Sequence[Entry], domain: str, metric: str
) -> tuple[Array, Array, NDArray[np.bool_], Array, PairCovariances]:
    """Means, half widths and tie group on a domain, the scores (blocks, fusions) of the blocks that all have, and what
    their test pairs share."""
    table = score_table(entries, [(domain, metric)])[..., 0]
    mean = np.array([entry.mean(domain, metric) for entry in entries])
    half_width = np.array([entry.half_width(domain, metric) for entry in entries])
    ties = tie_groups(entries, domain, [metric])[:, 0]
    complete = table[~np.isnan(table).any(axis=1)]
    return mean, half_width, ties, complete, shared_by(entries, domain, metric)
