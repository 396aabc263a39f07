"""The whole audit of a domain: which baselines there are, and whether the domain passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.audit.balance import balance
from bench.audit.contrast import contrast
from bench.audit.draws import Material
from bench.audit.duplicates import duplicates
from bench.audit.nearest_neighbour import nearest_neighbour
from bench.audit.nuisances_pair import nuisances_pair
from bench.audit.nuisances_single import nuisances_single
from bench.audit.permuted_labels import permuted_labels
from bench.audit.rows import Row, Verdict
from bench.audit.shape_blind import shape_blind
from bench.audit.shuffled_pairs import shuffled_pairs
from bench.audit.statistics import statistics
from bench.audit.unary import unary
from bench.errors import UsageError

Baseline = Callable[[Material], Iterator[Row]]

BASELINES: Mapping[str, Baseline] = {
    "unary": unary,
    "nuisances_single": nuisances_single,
    "nuisances_pair": nuisances_pair,
    "statistics": statistics,
    "shape_blind": shape_blind,
    "permuted_labels": permuted_labels,
    "nearest_neighbour": nearest_neighbour,
    "shuffled_pairs": shuffled_pairs,
    "duplicates": duplicates,
    "balance": balance,
    "contrast": contrast,
}
NETWORKS = frozenset({"unary", "shape_blind", "permuted_labels", "shuffled_pairs"})

TEST_PAIRS = 20_000


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        domain: its name with parameters. n: test pairs.
        drawing: seconds for the pairs. warming_up: seconds for the warm-up, near 0 where it was cached.
        seconds: of everything.
    """

    domain: str
    n: int
    seed: int
    rows: tuple[Row, ...]
    drawing: float
    warming_up: float
    seconds: float

    @property
    def passed(self) -> bool:
        """No row is a leak, and with ``TEST_PAIRS`` or more none is undecided."""
        failing = {Verdict.LEAK} | ({Verdict.UNDECIDED} if self.n >= TEST_PAIRS else set())
        return not any(row.verdict in failing for row in self.rows)

    @property
    def leaks(self) -> list[Row]:
        """The rows that show a leak."""
        return [row for row in self.rows if row.verdict is Verdict.LEAK]


def run_audit(
    domain: str,
    n: int = TEST_PAIRS,
    seed: int = 0,
    baselines: Collection[str] = tuple(BASELINES),
    warmup_recipe: Mapping[str, Any] | None = None,
    on_baseline: Callable[[str], object] = lambda name: None,
) -> Audit:
    """Audit a domain.

    A row is accepted when the upper end of its 95 % interval lies less than 1.5 points (pairs) or 2 points (single
    images) above chance; see :func:`bench.audit.rows.verdict`. With 20,000 test pairs the interval of a pair row at
    chance reaches 50.7 %, and about one such row in a hundred is not accepted by bad luck: ask again with more pairs.

    Args:
        domain: name with parameters, such as ``texture:difficulty=hard``.
        n: test pairs; half as many train the baselines, of which networks take at most 6,400.
        seed: of the draws; 0 is the test set of all sweeps.
        baselines: names out of ``BASELINES``.
        warmup_recipe: fields that differ from the declared warm-up of the networks.
        on_baseline: called with the name of each baseline before it runs.

    Raises:
        UsageError: an unknown domain, parameter or baseline, or too few pairs.
    """
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise UsageError(f"unknown baseline {unknown[0]!r}; expected one of {', '.join(BASELINES)}")
    started = time.perf_counter()
    material = Material(domain, n, seed, warmup_recipe or {})
    on_baseline("drawing pairs")
    material.draw_all()
    drawn = time.perf_counter()
    if _needs_warm_up(material, baselines):
        on_baseline("warm-up of the networks")
        material.warm_up()
    warm = time.perf_counter()
    rows: list[Row] = []
    for name in (name for name in BASELINES if name in baselines):
        on_baseline(name)
        rows += _timed(BASELINES[name](material))
    finished = time.perf_counter()
    return Audit(domain, n, seed, tuple(rows), drawn - started, warm - drawn, finished - started)


def _needs_warm_up(material: Material, baselines: Collection[str]) -> bool:
    networks = NETWORKS & set(baselines)
    return bool(networks - {"shape_blind"}) or (bool(networks) and material.shape_blind() is not None)


def _timed(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, each with the seconds that passed until it was there."""
    started = time.perf_counter()
    for row in rows:
        yield replace(row, seconds=time.perf_counter() - started)
        started = time.perf_counter()
