"""Tie groups of a table: the fusions that are not worse than the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS
from bench.records.blocks import score_table
from bench.records.entries import Entry
from bench.stats.ties import tie_group


def tie_groups(entries: Sequence[Entry], domain: str, metrics: Sequence[str]) -> NDArray[np.bool_]:
    """Which fusions (entries, metrics) are not worse than the best on the evaluated ``domain``: see
    :func:`bench.stats.ties.tie_group`. Nobody is where all that would be have learned nothing.

    Args:
        entries: fusions of one table and backbone.
    """
    scores = score_table(entries, domain, metrics)
    groups = np.zeros((len(entries), len(metrics)), dtype=bool)
    for column, metric in enumerate(metrics):
        shared = _shared(entries, domain, metric)
        group = tie_group(scores[..., column], METRICS.get(metric).direction, shared)
        has_winner = any(_has_learned(entry) for entry, belongs in zip(entries, group, strict=True) if belongs)
        groups[:, column] = group & has_winner
    return groups


def _shared(entries: Sequence[Entry], domain: str, metric: str) -> NDArray[np.float64] | float:
    """What test pairs that all seeds share add to the variance of the difference between any two."""
    tested = [[cell for cell in entry.finished if domain in cell.eval] for entry in entries]
    if not any(entry.scores.cover(own) for entry, own in zip(entries, tested, strict=True)):
        return 0.0
    return entries[0].scores.of_differences(tested, domain, metric)


def _has_learned(entry: Entry) -> bool:
    return not entry.is_at_chance() or entry.ranks_pairs()
