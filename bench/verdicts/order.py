"""Whether two domains order the fusions alike, and how alike they could be found to be at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.records.blocks import score_table
from bench.records.sections import Section
from bench.stats.bootstrap import FEWEST_BLOCKS, resampled_means
from bench.stats.intervals import FEWEST_SEEDS, LEVEL
from bench.stats.ranking import rank_correlations, reliabilities

Array = NDArray[np.float64]

FEWEST_FUSIONS = 3
DRAWS = 300


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of the mean scores of fusions on two domains.

    Attributes:
        correlation: nan where all fusions are equal on one of the two domains.
        low, high: ends of the percentile interval of a bootstrap over blocks; nan with fewer than ``FEWEST_BLOCKS``
            or without a correlation. A draw in which all fusions are equal on a domain has none, and counts as 0.
        ceiling: what it would be if both ordered the fusions alike, given how well each order repeats.
    """

    first: str
    second: str
    correlation: float
    low: float
    high: float
    ceiling: float


@dataclass(frozen=True)
class Order:
    """The fusions that all finished the same blocks on the same domains, and how these order them.

    Attributes:
        best_first: names of the fusions by domain. pairs: every two domains.
    """

    blocks: int
    best_first: dict[str, tuple[str, ...]]
    pairs: tuple[Agreement, ...]


def order_of(section: Section, metric: str) -> Order | None:
    """The order of the fusions on each domain tested on; None where there are fewer than two domains, three fusions or
    three blocks, or neither direction of the metric is better.

    Args:
        section: of a single backbone.
    """
    direction = METRICS.get(metric).direction
    every = [section.domain, *section.shifts.values(), *section.other_domains]
    fusions = [one for one in section.ranked("fusion", metric) if not math.isnan(one.mean(section.domain, metric))]
    domains = [domain for domain in every if not any(math.isnan(one.mean(domain, metric)) for one in fusions)]
    if direction == NEITHER or len(fusions) < FEWEST_FUSIONS or len(domains) < 2:
        return None
    table = score_table(fusions, [(domain, metric) for domain in domains])
    complete = table[~np.isnan(table).any(axis=(1, 2))]
    if len(complete) < FEWEST_SEEDS:
        return None
    values = direction * np.moveaxis(complete, (0, 1, 2), (2, 1, 0))
    names = [entry.group.fusion for entry in fusions]
    best_first = {
        domain: tuple(names[place] for place in np.argsort(-means, kind="stable"))
        for domain, means in zip(domains, values.mean(axis=-1), strict=True)
    }
    return Order(len(complete), best_first, tuple(agreements(domains, values)))


def agreements(domains: Sequence[str], values: Array) -> list[Agreement]:
    """How alike every two domains order the fusions; ``values`` (domains, fusions, blocks), higher is better."""
    found = rank_correlations(values.mean(axis=-1))
    repeat = reliabilities(values)
    low = high = np.full(found.shape, np.nan)
    if values.shape[-1] >= FEWEST_BLOCKS:
        drawn = np.nan_to_num(rank_correlations(resampled_means(values, DRAWS)))
        ends = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
        low, high = np.where(np.isnan(found), np.nan, ends)
    return [
        Agreement(
            domains[one],
            domains[other],
            correlation=float(found[one, other]),
            low=float(low[one, other]),
            high=float(high[one, other]),
            ceiling=float(np.sqrt(repeat[one] * repeat[other])),
        )
        for one, other in combinations(range(len(domains)), 2)
    ]
