"""The machine that rates were measured on: what must be equal before two rates are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.load import Run

Machine = Mapping[str, Any]
MANY: Machine = {"more than one machine": True}
HARDWARE = ("cpu", "capability", "cores", "gpus", "system")


def machine_of_runs(runs: Sequence[Run]) -> Machine | None:
    """The machine of all sessions of ``runs``, ``MANY`` where they differ, None where one does not say."""
    headers = [header for run in runs for header in (*(run.header.get("earlier") or ()), run.header)]
    found = [_machine(header) for header in headers]
    if any(machine is None for machine in found):
        return None
    return found[0] if all(machine == found[0] for machine in found) else MANY


def _machine(header: Mapping[str, Any]) -> Machine | None:
    """Processor, cores and how many workers shared them; library versions are what a comparison is about."""
    hardware, config = header.get("hardware"), header.get("config")
    if not isinstance(hardware, Mapping) or not isinstance(config, Mapping) or not hardware.get("cpu"):
        return None
    return {
        **{name: hardware.get(name) for name in HARDWARE},
        "jobs": config.get("jobs"),
        "threads": header.get("threads"),
        "precision": header.get("precision"),
    }


def why_incomparable(base: Machine | None, new: Machine | None) -> str:
    """The reason why rates of these machines must not be compared; empty where they may."""
    for side, machine in (("the baseline", base), ("the new run", new)):
        if machine is None:
            return f"{side} does not say on which machine it ran"
        if machine == MANY:
            return f"{side} ran on more than one machine"
    assert base is not None
    assert new is not None
    different = [name for name in base if base[name] != new.get(name)]
    return "; ".join(f"{name} {base[name]} against {new.get(name)}" for name in different)
