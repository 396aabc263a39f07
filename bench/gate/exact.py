"""The exact tier: what must be equal on both sides, on any machine. Any difference counts, a smaller model too, and a
symmetric fusion must not come to care which image is first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.gate.coverage import Pair, Shared
from bench.gate.finding import Finding
from bench.gate.side import describe
from bench.metrics import metric_position
from bench.records.columns import COUNT_FIELDS
from bench.records.record import Group, Record

# Both orders of a symmetric fusion differ by rounding alone: 2e-8 over 770 results of 61 fusions.
ROUNDING = 1e-4


def exact_findings(found: Shared) -> list[Finding]:
    """One finding per group: parameters, multiply-accumulates, operators left out, symmetry, and the test sets."""
    return [_finding(group, pairs) for group, pairs in found.finished.items()]


def _finding(group: Group, pairs: tuple[Pair, ...]) -> Finding:
    changes: dict[str, list[int]] = {}
    for base, new in pairs:
        for change in _changes(base, new):
            changes.setdefault(change, []).append(base.seed)
    text = "; ".join(
        change if len(seeds) == len(pairs) else f"{change} ({group.repeats} {', '.join(map(str, seeds))})"
        for change, seeds in changes.items()
    )
    return Finding(
        "exact", "worse" if text else "same", describe(group), text or "parameters, MACs, symmetry and test sets"
    )


def _changes(base: Record, new: Record) -> Iterator[str]:
    for field in COUNT_FIELDS:
        yield from _change(field, base.cost_of(field), new.cost_of(field))
    yield from _change("operators that the MACs leave out", _names(base), _names(new))
    yield from _lost_symmetry(base, new)
    for domain, tested in base.eval.items():
        yield from _change(f"test pairs of {domain}", tested.pairs, new.eval[domain].pairs if domain in new.eval else 0)
    # Older records do not name their data.
    for domain in base.data.keys() & new.data.keys():
        yield from _change(f"data of {domain}", base.data[domain], new.data[domain])


def _change(what: str, base: Any, new: Any) -> Iterator[str]:
    if base != new:
        yield f"{what}: {_text(base)} -> {_text(new)}"


def _lost_symmetry(base: Record, new: Record) -> Iterator[str]:
    for domain in base.eval.keys() & new.eval.keys() if new.symmetric else ():
        before, now = (cell.eval[domain].values[metric_position("swap_gap")] for cell in (base, new))
        if before is not None and now is not None and before <= ROUNDING < now:
            yield f"symmetric, but its answers on {domain} change by {now:.2g} on average when the images swap"


def _names(cell: Record) -> str:
    return ", ".join(sorted(cell.cost.get("uncounted", ())))


def _text(value: Any) -> str:
    if isinstance(value, (int, float)):
        return f"{value:,.0f}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {item}" for name, item in value.items())
    return str(value or "none")
