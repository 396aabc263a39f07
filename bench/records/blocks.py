"""Blocks: the training runs that fusions share, one per training domain and seed, and their scores."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics import METRICS
from bench.records.entries import Entry, facts_of
from bench.records.record import Group, Record
from bench.stats.pair_error import PairCovariances, nothing_shared

Array = NDArray[np.float64]
Places = NDArray[np.int64]
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
    trained_on, values = entry.group.domain, entry.runs(domain, metric).tolist()
    return {
        (trained_on, cell.seed): value
        for cell, value in zip(entry.finished, values, strict=True)
        if not math.isnan(value)
    }


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
    blocks = alike_blocks([entry for entry, _ in found], sorted(common), domain)
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
    row, number = _places(tuple(entries), tuple(dict.fromkeys(domain for domain, _ in columns)))
    table = np.full((row.max(initial=-1) + 1, len(entries), len(columns)), np.nan)
    for column, (domain, metric) in enumerate(columns):
        table[row, number, column] = np.concatenate([np.empty(0), *(one.runs(domain, metric) for one in entries)])
    return table


@lru_cache(maxsize=64)
def _places(entries: tuple[Entry, ...], domains: tuple[str, ...]) -> tuple[Places, Places]:
    """For each run that finished, entry by entry, its row, in which all may be paired, and the number of its entry.

    Kept, as many statements ask for the same.
    """
    finished = [len(entry.finished) for entry in entries]
    number = np.repeat(np.arange(len(entries)), finished)
    cells = [cell for entry in entries for cell in entry.finished]
    _, trained_on = np.unique([entry.group.domain for entry in entries], return_inverse=True)
    seeds, seed = np.unique([cell.seed for cell in cells], return_inverse=True)
    _, block = np.unique(trained_on[number] * len(seeds) + seed, return_inverse=True)
    if all(_is_one_set(entries, domain) for domain in domains):
        return block, number
    runs = (np.flatnonzero(block == one).tolist() for one in range(block.max(initial=-1) + 1))
    parts = [part for own in runs for part in _alike_parts(own, [cells[run] for run in own], domains)]
    row = np.empty_like(block)
    for place, part in enumerate(parts):
        row[part] = place
    return row, number


def shared_by(entries: Sequence[Entry], domain: str, metric: str) -> PairCovariances:
    """How the draw of test pairs, which all seeds share, moves the means of ``entries`` on a domain together, and how
    coarse it leaves their values."""
    if not entries:
        return nothing_shared(0)
    tested = [[cell for cell in entry.finished if domain in cell.eval] for entry in entries]
    return replace(
        entries[0].scores.together(tested, domain, metric), step=step_of(chain.from_iterable(tested), domain, metric)
    )


def step_of(cells: Iterable[Record], domain: str, metric: str) -> float:
    """How far apart neighbouring values of ``cells`` on a domain are, on as many pairs as most were tested on: what was
    tested on other ones is compared with none of these."""
    tested = Counter(cell.eval[domain].pairs for cell in cells if domain in cell.eval)
    usual = max(tested, key=lambda pairs: (tested[pairs], -pairs), default=0)
    return METRICS.get(metric).step(usual) if usual else 0.0


def by_conditions(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Entries in groups that may be compared by their fusion."""
    found: dict[Group, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[conditions(entry)].append(entry)
    return list(found.values())


def _alike_parts(runs: list[int], cells: Sequence[Record], domains: Sequence[str]) -> Iterable[list[int]]:
    """The ``runs`` of one block, which made ``cells``, in parts that may be paired; a fact that a run does not tell is
    taken as the usual one."""
    if all(_are_alike(facts_of(cells, domain)) for domain in domains):
        return [runs]
    told = [values for domain in domains for values in facts_of(cells, domain)]
    facts = [[None if value is None else str(value) for value in values] for values in told]
    usual = [Counter(filter(None, values)).most_common(1) for values in facts]
    parts: dict[Hashable, list[int]] = defaultdict(list)
    for run, *own in zip(runs, *facts, strict=True):
        parts[tuple(value or common[0][0] for value, common in zip(own, usual, strict=True) if common)].append(run)
    return parts.values()


def alike_blocks(entries: Sequence[Entry], blocks: Sequence[Block], domain: str) -> list[Block]:
    """Those of ``blocks``, in which all ``entries`` have a run, whose runs may be paired.

    Args:
        domain: tested on.
    """
    if _is_one_set(entries, domain):
        return list(blocks)
    cells = [{cell.seed: cell for cell in entry.finished} for entry in entries]
    return [block for block in blocks if _are_alike(facts_of([own[block[1]] for own in cells], domain))]


def _is_one_set(entries: Iterable[Entry], domain: str) -> bool:
    """Whether all runs of ``entries`` may be paired, of whatever blocks: mostly so, and soon told."""
    by_entry = (entry.facts(domain) for entry in entries)
    return _are_alike(chain.from_iterable(own) for own in zip(*by_entry, strict=True))


def _are_alike(facts: Iterable[Iterable[Any]]) -> bool:
    """Whether runs with these ``facts`` may be paired: from one warm-up, on the same versions of the data, tested on as
    many pairs.

    What a record does not name, such as the warm-up of a fusion that uses none, tells nothing apart.
    """
    told = ([value for value in values if value is not None] for values in facts)
    return all(values.count(values[0]) == len(values) for values in told if values)
