"""Blocks: the training runs that fusions share, one per training domain and seed, and their scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import metric_position
from bench.records.entries import Entry
from bench.records.record import Group, Record
from bench.stats.paired import Shared

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


def shared_error(entry: Entry, baseline: Entry, domain: str, metric: str) -> Shared:
    """What the test pairs, which all blocks share, add to the variance of the mean of these differences."""
    both = complete_blocks((entry, baseline), domain, metric)
    seeds = [seed for _, seed in both.blocks] if len(both.fusions) == 2 else []
    cells = [{cell.seed: cell for cell in one.finished} for one in (entry, baseline)]
    first, second = ([own[seed] for seed in seeds] for own in cells)
    return entry.scores.of_difference(first, second, domain, metric)


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


def score_table(entries: Sequence[Entry], domain: str, metrics: Sequence[str]) -> Array:
    """Metrics on the evaluated ``domain``, (rows, entries, metrics).

    A row holds runs of one block that may be paired with each other; nan is one that is not there. So a block of runs
    that may not all be paired has several rows.

    Args:
        entries: of one backbone, protocol and recipe.
    """
    positions = [metric_position(metric) for metric in metrics]
    blocks: dict[Block, list[tuple[int, Record]]] = defaultdict(list)
    for place, entry in enumerate(entries):
        for cell in entry.finished:
            if domain in cell.eval:
                blocks[entry.group.domain, cell.seed].append((place, cell))
    rows = [row for block in sorted(blocks) for row in _alike_parts(blocks[block], domain)]
    table = np.full((len(rows), len(entries), len(metrics)), np.nan)
    for number, row in enumerate(rows):
        values = [[cell.eval[domain].values[position] for position in positions] for _, cell in row]
        table[number, [place for place, _ in row]] = np.array(values, dtype=float)
    return table


def _alike_parts(runs: list[tuple[int, Record]], domain: str) -> Iterable[list[tuple[int, Record]]]:
    """Runs of one block in parts that may be paired; a fact that a run does not tell is taken as the usual one."""
    cells = [cell for _, cell in runs]
    if are_alike(cells, domain):
        return [runs]
    facts = [[None if value is None else str(value) for value in values] for values in _facts(cells, domain)]
    usual = [Counter(filter(None, values)).most_common(1) for values in facts]
    parts: dict[Hashable, list[tuple[int, Record]]] = defaultdict(list)
    for run, *own in zip(runs, *facts, strict=True):
        parts[tuple(value or common[0][0] for value, common in zip(own, usual, strict=True) if common)].append(run)
    return parts.values()


def are_alike(cells: Sequence[Record], domain: str) -> bool:
    """Whether runs may be paired: from one warm-up, on the same versions of the data, tested on as many pairs.

    What a record does not name, such as the warm-up of a fusion that uses none, tells nothing apart.

    Args:
        domain: tested on.
    """
    told = ([value for value in values if value is not None] for values in _facts(cells, domain))
    return all(values.count(values[0]) == len(values) for values in told if values)


def _facts(cells: Sequence[Record], domain: str) -> tuple[list[Any], ...]:
    """What may tell runs apart, a list for each fact; None where a run does not tell.

    Where training started is known by its quality: two runs of one warm-up agree in it to the last digit only on one
    machine.
    """
    return (
        [cell.warmup.get("quality") for cell in cells],
        [cell.data.get(cell.group.domain) for cell in cells],
        [cell.data.get(domain) for cell in cells],
        [cell.eval[domain].pairs if domain in cell.eval else None for cell in cells],
    )
