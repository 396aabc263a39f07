"""Tie groups of a table: the fusions that are not worse than the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS
from bench.records.blocks import score_table, shared_by
from bench.records.entries import Entry
from bench.stats.ties import tie_group


def tie_groups(entries: Sequence[Entry], domain: str, metrics: Sequence[str]) -> NDArray[np.bool_]:
    """Which fusions (entries, metrics) are not worse than the best on the evaluated ``domain``: see
    :func:`bench.stats.ties.tie_group`. Nobody is where all that would be have learned nothing.

    Args:
        entries: fusions of one table and backbone.
    """
    scores = score_table(entries, [(domain, metric) for metric in metrics])
    groups = np.zeros((len(entries), len(metrics)), dtype=bool)
    for column, metric in enumerate(metrics):
        shared = shared_by(entries, domain, metric)
        group = tie_group(scores[..., column], METRICS.get(metric).direction, shared.between)
        has_winner = any(_has_learned(entry) for entry, belongs in zip(entries, group, strict=True) if belongs)
        groups[:, column] = group & has_winner
    return groups


def _has_learned(entry: Entry) -> bool:
    return not entry.is_at_chance() or entry.ranks_pairs()
