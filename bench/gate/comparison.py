"""A comparison of two sides: all findings, and the exit code they stand for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from bench.gate.coverage import Shared, aligned, shared
from bench.gate.exact import exact_findings
from bench.gate.finding import INCOMPLETE, Finding, Word
from bench.gate.quality import quality_findings
from bench.gate.side import Side
from bench.gate.throughput import throughput_findings
from bench.records.margins import margin_of
from bench.text import count_of

OK, REGRESSION, INCOMPLETE_RUN = 0, 1, 3


@dataclass(frozen=True)
class Rules:
    """What counts as worse.

    Attributes:
        metric: on the domain trained on. margin: drop of it that is of no interest, as a share; None for that of the
            new run.
        factor: slowdown that is still noise; None for that of the baseline.
        allow_missing: whether cells of the baseline may be absent from the new run.
    """

    metric: str = "accuracy"
    margin: float | None = None
    factor: float | None = None
    allow_missing: bool = False


@dataclass(frozen=True)
class Comparison:
    """What ``new`` is against ``base``.

    Attributes:
        cells: cells that finished on both sides. rerun: how many of them have another key, and so another code.
    """

    base: str
    new: str
    rules: Rules
    cells: int
    rerun: int
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> Counter[Word]:
        """How often each word occurs."""
        return Counter(finding.word for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """1 where anything is worse, else 3 where anything is missing or failed, else 0."""
        if self.counts["worse"]:
            return REGRESSION
        return INCOMPLETE_RUN if any(self.counts[word] for word in INCOMPLETE) else OK

    @property
    def notable(self) -> tuple[Finding, ...]:
        """Findings other than ``same``, the most serious first."""
        order: list[Word] = ["worse", "failed", "missing", "undecided", "incomparable", "better", "fixed", "added"]
        return tuple(
            sorted((one for one in self.findings if one.word != "same"), key=lambda one: order.index(one.word))
        )

    @property
    def summary(self) -> str:
        """One sentence: how much was compared, and what came of it."""
        counts = ", ".join(f"{count} {word}" for word, count in sorted(self.counts.items()))
        verdict = {OK: "no regression", REGRESSION: "REGRESSION", INCOMPLETE_RUN: "INCOMPLETE"}[self.exit_code]
        changed = f", {self.rerun} of them with other code, data or settings" if self.rerun else ""
        return f"{verdict}: {count_of(self.cells, 'cell')} on both sides{changed}; {counts or 'nothing else to say'}"


def compare(base: Side, new: Side, rules: Rules) -> Comparison:
    """Compare two sides.

    Raises:
        UsageError: no cell can be compared.
    """
    base, new = aligned(base, new)
    margin = margin_of(new.headers, "gate_margin") if rules.margin is None else rules.margin
    found = shared(base, new, rules.metric, rules.allow_missing)
    findings = (
        *found.findings,
        *exact_findings(found),
        *quality_findings(found, base, new, rules.metric, margin),
        *throughput_findings(found, base, new, rules.factor),
    )
    return Comparison(base.source, new.source, replace(rules, margin=margin), _count(found), _rerun(found), findings)


def _count(found: Shared) -> int:
    return sum(map(len, found.finished.values()))


def _rerun(found: Shared) -> int:
    """Pairs of cells with different keys; a leaderboard has none."""
    pairs = [pair for pairs in found.finished.values() for pair in pairs]
    return sum(base.key != new.key for base, new in pairs if base.key and new.key)
