"""Kinds of pairs that a domain tells apart, summarised over seeds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.records.entries import Entry
from bench.stats.intervals import Estimates, estimate

NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Kinds:
    """Results over seeds by kind of pair: ``names`` in the order of the domain, estimates of shape (kinds,)."""

    names: tuple[str, ...]
    accuracy: Estimates
    p_same: Estimates


def kinds_of(entry: Entry, domain: str) -> Kinds | None:
    """Results of an entry on the kinds of pairs of ``domain``; None where its records have none."""
    found = [tested.kinds for tested in entry.tested(domain) if tested.kinds]
    if not found:
        return None
    names = tuple(dict.fromkeys(name for kinds in found for name in kinds.names))
    accuracy = _table(names, ((kinds.names, kinds.accuracy) for kinds in found))
    p_same = _table(names, ((kinds.names, kinds.p_same) for kinds in found))
    return Kinds(names, estimate(accuracy), estimate(p_same))


def are_levels(names: Sequence[str]) -> bool:
    """Whether names differ in their numbers alone, as those of severities and of sweeps do: ``radius 2.5``."""
    return len({NUMBER.sub("#", name) for name in names}) == 1


def level(name: str) -> float:
    """The number in the name of a level."""
    return float(NUMBER.findall(name)[-1])


def _table(
    names: Sequence[str], found: Iterable[tuple[Sequence[str], Sequence[float | None]]]
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Values (seeds, kinds), nan where a seed lacks a kind."""
    rows = (dict(zip(own, values, strict=True)) for own, values in found)
    return np.array([[row.get(name) for name in names] for row in rows], dtype=float)
