"""Blocks: the training runs that fusions share, one per training domain and seed, and their scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report.columns import POSITION
from bench.report.entries import Entry
from bench.report.load import Group

Array = NDArray[np.float64]
Block = tuple[str, int]


@dataclass(frozen=True)
class Complete:
    """Scores of several fusions on the blocks that all of them finished: ``values`` (blocks, fusions)."""

    fusions: tuple[str, ...]
    blocks: tuple[Block, ...]
    values: Array


def conditions(entry: Entry) -> Group:
    """What two entries share that may be compared by their fusion: everything else."""
    return entry.group._replace(fusion="")


def scores(entry: Entry, domain: str, metric: str) -> dict[Block, float]:
    """A metric on the evaluated ``domain`` by training domain and seed, of the runs that have it."""
    position = POSITION[metric]
    found = {cell.seed: cell.metrics[domain][position] for cell in entry.finished if domain in cell.metrics}
    return {(entry.group.domain, seed): value for seed, value in found.items() if value is not None}


def differences(entry: Entry, baseline: Entry, domain: str, metric: str) -> Array:
    """``entry`` minus ``baseline`` (blocks,) over the blocks that both have, sorted."""
    own, other = scores(entry, domain, metric), scores(baseline, domain, metric)
    return np.array([own[block] - other[block] for block in sorted(own.keys() & other.keys())], dtype=float)


def complete_blocks(entries: Iterable[Entry], domain: str, metric: str) -> Complete:
    """The blocks that all fusions with any score share; fusions keep their order.

    Args:
        entries: of one backbone, protocol and recipe.
    """
    found = {entry.group.fusion: scores(entry, domain, metric) for entry in entries}
    found = {fusion: values for fusion, values in found.items() if values}
    shared = sorted(_shared(list(found.values())))
    table = [[values[block] for values in found.values()] for block in shared]
    return Complete(tuple(found), tuple(shared), np.array(table, dtype=float).reshape(len(shared), len(found)))


def _shared(found: Sequence[dict[Block, float]]) -> set[Block]:
    return set.intersection(*(set(values) for values in found)) if found else set()
