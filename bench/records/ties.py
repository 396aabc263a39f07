"""Tie groups of a table: the fusions that are not worse than the best."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from bench.metrics import METRICS
from bench.records.blocks import score_table, shared_by
from bench.records.entries import Entry
from bench.stats.intervals import FEWEST_SEEDS, Array
from bench.stats.pair_error import PairCovariances
from bench.stats.ties import Marks, tie_group


def tie_groups(entries: Sequence[Entry], domain: str, metrics: Sequence[str]) -> Marks:
    """Which fusions (entries, metrics) are not worse than the best on the evaluated ``domain``: see
    :func:`bench.stats.ties.tie_group`. Nobody is where all that would be have learned nothing.

    Args:
        entries: fusions of one table and backbone.
    """
    groups = [_tie_group(frozenset(entries), domain, metric) for metric in metrics]
    return np.array([[entry in group for group in groups] for entry in entries], dtype=bool).reshape(-1, len(groups))


@lru_cache(maxsize=256)
def _tie_group(entries: frozenset[Entry], domain: str, metric: str) -> frozenset[Entry]:
    """Kept, as tables, conclusions and the leaderboard ask for the same, each in an order of its own."""
    known = sorted(entries, key=lambda entry: entry.group)
    marks = ties_among(known, score_table(known, [(domain, metric)])[..., 0], metric, shared_by(known, domain, metric))
    return frozenset(entry for entry, belongs in zip(known, marks, strict=True) if belongs)


def ties_among(entries: Sequence[Entry], scores: Array, metric: str, shared: PairCovariances) -> Marks:
    """The tie group (entries,) by ``scores`` (blocks, entries); nobody where all of it have learned nothing.

    Args:
        shared: what the test pairs of the entries have in common.
    """
    marks = tie_group(scores, METRICS.get(metric).direction, shared.between, shared.freedom, shared.step)
    learned = any(_has_learned(entry) for entry, belongs in zip(entries, marks, strict=True) if belongs)
    return marks if learned else np.zeros_like(marks)


def how_bold(fewest: int, most: int) -> str:
    """What bold type says in a column of means over so many repetitions, the end of a sentence."""
    sure = "not worse than the best in the column (with 95 % confidence the truly best one is among them)"
    return _as_sure_as(fewest, most, "best in the column", sure)


def how_marked(most: int) -> str:
    """What a mark on the members of a tie group says, where a fusion has so many repetitions at most."""
    return _as_sure_as(most, most, "the best mean", "tie group, which holds the best at 95 %")


def _as_sure_as(fewest: int, most: int, best: str, sure: str) -> str:
    """What so many repetitions allow to say of a tie group: ``best`` of one, ``sure`` of enough to infer from."""
    if most < 2:
        return best
    return f"{best}, or too close to it to tell" if fewest < FEWEST_SEEDS else sure


def _has_learned(entry: Entry) -> bool:
    return not entry.is_at_chance() or entry.ranks_pairs()
