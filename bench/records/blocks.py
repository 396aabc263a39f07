"""Blocks: the training runs that fusions share, one per training domain and seed, and their scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import metric_position
from bench.records.entries import Entry
from bench.records.record import Group, Record
from bench.stats.pair_error import PairCovariances, nothing_shared

Array = NDArray[np.float64]
Block = tuple[str, int]
# An evaluated domain and a metric.
Column = tuple[str, str]


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


def score_table(entries: Sequence[Entry], columns: Sequence[Column]) -> Array:
    """Scores (rows, entries, columns), nan where a run has none.

    A row holds runs of one block that may be paired with each other on all evaluated domains of the columns; a block of
    runs that may not all be paired has several rows, and every run stands in one.

    Args:
        entries: of one backbone, protocol and recipe. columns: evaluated domain and metric.
    """
    places = [(domain, metric_position(metric)) for domain, metric in columns]
    rows = _rows(tuple(entries), tuple(dict.fromkeys(domain for domain, _ in columns)))
    table = np.full((len(rows), len(entries), len(columns)), np.nan)
    for number, row in enumerate(rows):
        for column, (domain, place) in enumerate(places):
            values = [cell.eval[domain].values[place] if domain in cell.eval else None for _, cell in row]
            table[number, [one for one, _ in row], column] = np.array(values, dtype=float)
    return table


@lru_cache(maxsize=64)
def _rows(entries: tuple[Entry, ...], domains: tuple[str, ...]) -> list[list[tuple[int, Record]]]:
    """Runs with the number of the entry of each, as rows that may be paired; many statements ask for the same."""
    blocks: dict[Block, list[tuple[int, Record]]] = defaultdict(list)
    for number, entry in enumerate(entries):
        for cell in entry.finished:
            blocks[entry.group.domain, cell.seed].append((number, cell))
    return [row for block in sorted(blocks) for row in _alike_parts(blocks[block], domains)]


def shared_by(entries: Sequence[Entry], domain: str, metric: str) -> PairCovariances:
    """How the draw of test pairs, which all seeds share, moves the means of ``entries`` on a domain together."""
    tested = [[cell for cell in entry.finished if domain in cell.eval] for entry in entries]
    return entries[0].scores.together(tested, domain, metric) if entries else nothing_shared(0)


def by_conditions(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries in groups that may be compared by their fusion."""
    found: dict[Group, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[conditions(entry)].append(entry)
    return list(found.values())


def _alike_parts(runs: list[tuple[int, Record]], domains: Sequence[str]) -> Iterable[list[tuple[int, Record]]]:
    """Runs of one block in parts that may be paired; a fact that a run does not tell is taken as the usual one."""
    cells = [cell for _, cell in runs]
    if all(are_alike(cells, domain) for domain in domains):
        return [runs]
    told = [values for domain in domains for values in _facts(cells, domain)]
    facts = [[None if value is None else str(value) for value in values] for values in told]
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
