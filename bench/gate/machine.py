"""Whether the rates of two sides may be compared."""

from __future__ import annotations

from collections.abc import Collection

from bench.report.machine import Machine


def why_incomparable(base: Collection[Machine | None], new: Collection[Machine | None]) -> str:
    """The reason why rates measured on these machines must not be compared; empty where they may."""
    for side, machines in (("the baseline", base), ("the new run", new)):
        if not machines or None in machines:
            return f"{side} does not say on which machine it ran"
        if len(machines) > 1:
            return f"{side} ran on more than one machine"
    (before,), (after,) = base, new
    facts = zip(Machine._fields, before or (), after or (), strict=True)
    return "; ".join(f"{name} {_text(old)} against {_text(now)}" for name, old, now in facts if old != now)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) or "none" if isinstance(value, tuple) else str(value)
