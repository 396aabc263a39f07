"""Whether two domains order the fusions alike, and how alike they could be found to be at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS, NEITHER
from bench.records.blocks import Block, are_alike, scores
from bench.records.entries import Entry
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
        low, high: ends of the percentile interval of a bootstrap over blocks; nan with fewer than ``FEWEST_BLOCKS``.
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
    fusions = [entry for entry in section.ranked("fusion", metric) if scores(entry, section.domain, metric)]
    domains = [section.domain, *section.shifts.values(), *section.other_domains]
    tested = [domain for domain in domains if all(scores(entry, domain, metric) for entry in fusions)]
    if direction == NEITHER or len(fusions) < FEWEST_FUSIONS or len(tested) < 2:
        return None
    blocks = _shared(fusions, tested, metric)
    if len(blocks) < FEWEST_SEEDS:
        return None
    by_domain = [[scores(entry, domain, metric) for entry in fusions] for domain in tested]
    values = direction * np.array([[[own[block] for block in blocks] for own in entries] for entries in by_domain])
    names = [entry.group.fusion for entry in fusions]
    best_first = {
        domain: tuple(names[place] for place in np.argsort(-means, kind="stable"))
        for domain, means in zip(tested, values.mean(axis=-1), strict=True)
    }
    return Order(len(blocks), best_first, tuple(_agreements(tested, values)))


def _shared(fusions: Sequence[Entry], domains: Sequence[str], metric: str) -> list[Block]:
    """Blocks that all fusions finished on all domains and that may be paired."""
    every = (set(scores(entry, domain, metric)) for entry in fusions for domain in domains)
    cells = [{cell.seed: cell for cell in entry.finished} for entry in fusions]
    return [
        block
        for block in sorted(set.intersection(*every))
        if all(are_alike([by_seed[block[1]] for by_seed in cells], domain) for domain in domains)
    ]


def _agreements(domains: Sequence[str], values: Array) -> list[Agreement]:
    """Of every two domains; ``values`` (domains, fusions, blocks), higher is better."""
    found = rank_correlations(values.mean(axis=-1))
    repeat = reliabilities(values)
    low = high = np.full(found.shape, np.nan)
    if values.shape[-1] >= FEWEST_BLOCKS:
        drawn = rank_correlations(resampled_means(values, DRAWS))
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
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
