"""Blocks: the training runs that fusions share, one per training domain and seed, and their scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics import metric_position
from bench.records.entries import Entry
from bench.records.record import Group, Record

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
    position = metric_position(metric)
    found = {cell.seed: cell.eval[domain].values[position] for cell in entry.finished if domain in cell.eval}
    return {(entry.group.domain, seed): value for seed, value in found.items() if value is not None}


def differences(entry: Entry, baseline: Entry, domain: str, metric: str) -> Array:
    """``entry`` minus ``baseline`` (blocks,) over the blocks that both have and that may be paired, sorted."""
    values = complete_blocks((entry, baseline), domain, metric).values
    return values[:, 0] - values[:, 1] if values.shape[1] == 2 else np.empty(0)


def complete_blocks(entries: Iterable[Entry], domain: str, metric: str) -> Complete:
    """The blocks that all fusions with any score share and that may be paired; fusions keep their order.

    Args:
        entries: of one backbone, protocol and recipe.
    """
    found = [(entry, own) for entry in entries if (own := scores(entry, domain, metric))]
    common = set.intersection(*(set(own) for _, own in found)) if found else set()
    cells = [{cell.seed: cell for cell in entry.finished} for entry, _ in found]
    blocks = [block for block in sorted(common) if are_alike([by_seed[block[1]] for by_seed in cells], domain)]
    table = [[own[block] for _, own in found] for block in blocks]
    values = np.array(table, dtype=float).reshape(len(blocks), len(found))
    return Complete(tuple(entry.group.fusion for entry, _ in found), tuple(blocks), values)


def are_alike(cells: Sequence[Record], domain: str) -> bool:
    """Whether runs may be paired: from one warm-up, on the same versions of the data, tested on as many pairs.

    What a record does not name, such as the warm-up of a fusion that uses none, tells nothing apart.

    Args:
        domain: tested on.
    """
    facts = zip(*(_facts(cell, domain) for cell in cells), strict=True)
    return all(len(set(values) - {None}) <= 1 for values in facts)


def _facts(cell: Record, domain: str) -> tuple[Hashable, ...]:
    return (
        _warmup(cell),
        _version(cell, cell.group.domain),
        _version(cell, domain),
        cell.eval[domain].pairs if domain in cell.eval else None,
    )


def _warmup(cell: Record) -> Hashable:
    """Where training started: two runs of one warm-up agree in its quality to the last digit only on one machine."""
    return cell.warmup.get("quality")


def _version(cell: Record, domain: str) -> Hashable:
    return str(cell.data[domain]) if domain in cell.data else None
