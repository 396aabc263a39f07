"""Mean ranks: their cliques against the definition, and of what they are drawn."""

import itertools

import numpy as np

from bench.plots.contract import Source
from bench.plots.ranks import cliques_of, draw_ranks
from bench.records.load import load_runs


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


def test_replicates_are_ranked_over_those_that_all_fusions_have(record, run_folder):
    records = [
        record(
            name,
            n,
            level + 0.01 * (n % 3),
            repeats="replicate",
            warmup={"task": "names", "seed": n, "quality": 0.9 + 0.001 * n},
        )
        for name, level in (("concat", 0.9), ("cosine", 0.8), ("sum", 0.7))
        for n in range(12)
        if (name, n) != ("concat", 0)
    ]
    source = Source.of(load_runs([run_folder(records)]))
    figure = draw_ranks(source.boards[0], "accuracy", source.sections[0])
    assert "11 replicates" in " ".join(text.get_text() for text in figure.texts)
