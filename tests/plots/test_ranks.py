"""Cliques of mean ranks against their definition."""

import itertools

import numpy as np

from bench.plots.ranks import cliques_of


def test_cliques_are_the_largest_sets_within_a_critical_difference():
    rng = np.random.default_rng(0)
    for ranks, critical in ((np.sort(rng.integers(1, 12, rng.integers(1, 7))), rng.integers(0, 6)) for _ in range(60)):
        sets = [
            set(chosen)
            for size in range(2, len(ranks) + 1)
            for chosen in itertools.combinations(range(len(ranks)), size)
            if ranks[chosen[-1]] - ranks[chosen[0]] <= critical
        ]
        largest = {frozenset(one) for one in sets if not any(one < other for other in sets)}
        found = cliques_of(ranks.astype(float), float(critical))
        assert {frozenset(range(first, last + 1)) for first, last in found} == largest
