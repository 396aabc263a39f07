"""The whole audit of a domain: its baselines one after the other, and whether it passes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.audit.baselines import AUDIT_BASELINES, AuditBaseline
from bench.audit.draws import MOST_PAIRS, Draws
from bench.audit.rows import Row, Verdict
from bench.registry import Choice

TEST_PAIRS = 20_000
# As many test pairs as before is what an undecided row is asked again with.
AGAIN = 3


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
    chance reaches 50.7 %, and about one such row in a hundred is undecided by bad luck. So with ``TEST_PAIRS`` or more
    what is undecided is asked once more, with ``AGAIN`` times as many test pairs, all of them fresh, and judged by
    these alone. In two looks a baseline at its limit is accepted in less than 5 % of all audits, and one at chance is
    called a leak in less than 0.1 %.

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
    rows = _asked_again(draws, asked, rows, on_baseline) if len(draws.test) >= TEST_PAIRS else rows
    rows = [_advised(row, draws) for row in rows]
    finished = time.perf_counter()
    return Audit(domain, len(draws.test), seed, tuple(rows), drawn - started, warm - drawn, finished - started)


def _in_order(choices: Iterable[Choice[AuditBaseline]]) -> list[Choice[AuditBaseline]]:
    classes = AUDIT_BASELINES.classes
    return sorted(choices, key=lambda choice: classes.index(choice.cls))


def _asked_again(
    draws: Draws, asked: Iterable[tuple[str, AuditBaseline]], rows: list[Row], on_baseline: Callable[[str], object]
) -> list[Row]:
    """The rows, with another look at those that are undecided where the domain has more test pairs."""
    undecided = {row.baseline for row in rows if row.verdict is Verdict.UNDECIDED}
    fresh = draws.afresh(AGAIN) if undecided else None
    if fresh is None:
        return rows
    note, found = f"asked again with {len(fresh.test):,} fresh pairs", {}
    for name, baseline in asked:
        if name in undecided:
            on_baseline(f"{name}, {note}")
            for row in _timed(name, baseline.rows(fresh)):
                # Of pairs as in the first look.
                found[name, row.what] = replace(row, note=note, more=row.more and AGAIN * row.more)
    return [found.get((row.baseline, row.what), row) if row.verdict is Verdict.UNDECIDED else row for row in rows]


def _advised(row: Row, draws: Draws) -> Row:
    """An undecided row with the number of pairs that would decide it."""
    if row.verdict is not Verdict.UNDECIDED or row.more is None:
        return row
    needed, most = _rounded_up(len(draws.test) * row.more), draws.domain.test_pairs or MOST_PAIRS
    advice = f"about --n {needed} would decide" if needed <= most else f"about {needed:,} would decide, of {most:,}"
    return replace(row, note="; ".join(filter(None, (row.note, advice))))


def _rounded_up(number: float) -> int:
    """To two digits."""
    unit = 10 ** max(0, math.floor(math.log10(number)) - 1)
    return math.ceil(number / unit) * unit


def _timed(baseline: str, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a baseline, each with the seconds that passed until it was there."""
    started = time.perf_counter()
    for row in rows:
        yield replace(row, baseline=baseline, seconds=time.perf_counter() - started)
        started = time.perf_counter()
