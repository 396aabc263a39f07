"""The whole audit of a domain: its baselines one after the other, and whether it passes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.audit.baselines import AUDIT_BASELINES, AuditBaseline
from bench.audit.draws import Draws
from bench.audit.rows import Row, Verdict
from bench.registry import Choice

TEST_PAIRS = 20_000


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        domain: its name with parameters. n: test pairs that were drawn.
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

    @property
    def summary(self) -> str:
        """One line: what was audited, the outcome and the time."""
        judged = [row for row in self.rows if row.verdict in (Verdict.OK, Verdict.LEAK, Verdict.UNDECIDED)]
        outcome = f"{sum(row.verdict is Verdict.OK for row in judged)} of {len(judged)} ok, leaks: {len(self.leaks)}"
        times = f"{self.seconds:.0f} s (drawing {self.drawing:.0f}, warm-up {self.warming_up:.0f})"
        return f"{self.domain}, {self.n:,} test pairs, seed {self.seed}: {outcome}; {times}"


def run_audit(
    domain: str,
    n: int = TEST_PAIRS,
    seed: int = 0,
    baselines: Iterable[str] = ("all",),
    warmup_recipe: Mapping[str, Any] | None = None,
    on_baseline: Callable[[str], object] = lambda name: None,
) -> Audit:
    """Audit a domain.

    A row is accepted when the upper end of its 95 % interval lies less than 1.5 points (pairs) or 2 points (single
    images) above chance; see :func:`bench.audit.rows.verdict`. With 20,000 test pairs the interval of a pair row at
    chance reaches 50.7 %, and about one such row in a hundred is not accepted by bad luck: ask again with more pairs.

    Args:
        domain: name with parameters, such as ``texture:difficulty=hard``.
        n: test pairs, or all that a list has where these are fewer; half as many train the baselines, of which
            networks take at most 6,400.
        seed: of the draws; 0 is the test set of all sweeps.
        baselines: names, globs or ``all``, with parameters; they run in the order of the registry.
        warmup_recipe: fields that differ from the declared warm-up of the networks.
        on_baseline: called with the name of each baseline before it runs.

    Raises:
        UsageError: an unknown domain, parameter or baseline, or too few pairs.
    """
    chosen = _in_order(AUDIT_BASELINES.resolve(baselines))
    asked = [(str(choice), choice.build()) for choice in chosen]
    started = time.perf_counter()
    draws = Draws(domain, n, seed, warmup_recipe or {})
    on_baseline("drawing pairs")
    draws.draw_all()
    drawn = time.perf_counter()
    if any(baseline.needs_warm_up(draws) for _, baseline in asked):
        on_baseline("warm-up of the networks")
        draws.warm_up()
    warm = time.perf_counter()
    rows: list[Row] = []
    for name, baseline in asked:
        on_baseline(name)
        rows += _timed(name, baseline.rows(draws))
    finished = time.perf_counter()
    return Audit(domain, len(draws.test), seed, tuple(rows), drawn - started, warm - drawn, finished - started)


def _in_order(choices: Iterable[Choice[AuditBaseline]]) -> list[Choice[AuditBaseline]]:
    classes = AUDIT_BASELINES.classes
    return sorted(choices, key=lambda choice: classes.index(choice.cls))


def _timed(baseline: str, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a baseline, each with the seconds that passed until it was there."""
    started = time.perf_counter()
    for row in rows:
        yield replace(row, baseline=baseline, seconds=time.perf_counter() - started)
        started = time.perf_counter()
