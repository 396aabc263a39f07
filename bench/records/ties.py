"""Tie groups of a table: the fusions that are not worse than the best."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from bench.metrics import METRICS
from bench.records.blocks import score_table, shared_by
from bench.records.entries import Entry
from bench.stats.ties import Marks, tie_group


def tie_groups(entries: Sequence[Entry], domain: str, metrics: Sequence[str]) -> Marks:
    """Which fusions (entries, metrics) are not worse than the best on the evaluated ``domain``: see
    :func:`bench.stats.ties.tie_group`. Nobody is where all that would be have learned nothing.

    Args:
        entries: fusions of one table and backbone.
    """
    groups = [_tie_group(tuple(entries), domain, metric) for metric in metrics]
    return np.stack(groups, axis=1) if groups else np.zeros((len(entries), 0), dtype=bool)


@lru_cache(maxsize=256)
def _tie_group(entries: tuple[Entry, ...], domain: str, metric: str) -> Marks:
    """Kept, as tables, conclusions and the leaderboard ask for the same."""
    scores = score_table(entries, [(domain, metric)])[..., 0]
    group = tie_group(scores, METRICS.get(metric).direction, shared_by(entries, domain, metric).between)
    has_winner = any(_has_learned(entry) for entry, belongs in zip(entries, group, strict=True) if belongs)
    return group & has_winner


def _has_learned(entry: Entry) -> bool:
    return not entry.is_at_chance() or entry.ranks_pairs()
