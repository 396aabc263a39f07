"""The machine that a cell ran on: what must be equal before two rates may be compared or pooled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

Header = Mapping[str, Any]


class Machine(NamedTuple):
    """Processor, cores, and how many workers shared them. Library versions are what a comparison is about."""

    cpu: str
    capability: str | None
    cores: int | None
    gpus: tuple[str, ...]
    system: str | None
    jobs: int | None
    threads: int | None
    precision: str | None
    device: str

    def __str__(self) -> str:
        parts = [self.cpu, *self.gpus, _count(self.cores, "core"), self.capability, self.system]
        load = [_count(self.jobs, "worker"), _count(self.threads, "thread", " each"), self.precision]
        device = "" if self.device == "cpu" else f"computed on {self.device}"
        return ", ".join(part for part in (*parts, *load, device) if part)


class Session(NamedTuple):
    """One start of a sweep: when (ISO 8601, UTC), where, and by what command; empty where ``run.json`` does not say."""

    started: str = ""
    machine: Machine | None = None
    command: str = ""


class Sessions:
    """The sessions of a run folder, each on a machine of its own.

    A sweep that is resumed starts another session: its records are those that finished after it was started.

    Args:
        header: what ``run.json`` holds; nothing where there is none.
    """

    def __init__(self, header: Header) -> None:
        earlier = header.get("earlier")
        headers = [*(earlier if isinstance(earlier, list) else []), *([header] if header else [])]
        found = [Session(str(one.get("created", "")), machine_of(one), _command_of(one)) for one in headers]
        self._found = sorted(found, key=lambda session: session.started)

    def of(self, finished: str) -> Session:
        """The session of a record by when it finished (ISO 8601, UTC); an empty one where that is not known."""
        if len(self._found) == 1:
            return self._found[0]
        return next((session for session in reversed(self._found) if session.started <= finished), Session())


def _command_of(header: Header) -> str:
    command = header.get("command")
    return command if isinstance(command, str) else ""


def machine_of(header: Header) -> Machine | None:
    """The machine of one session by its header; None where that does not say."""
    hardware, config = header.get("hardware"), header.get("config")
    if not isinstance(hardware, Mapping) or not isinstance(config, Mapping):
        return None
    load = {name: header.get(name) for name in ("threads", "precision", "device")}
    return machine_from({**hardware, "jobs": config.get("jobs"), **load})


def machine_from(facts: Mapping[str, Any] | None) -> Machine | None:
    """A machine from its fields, as a baseline keeps them; None where the processor is not among them."""
    if not facts or not facts.get("cpu"):
        return None
    known: dict[str, Any] = {name: facts.get(name) for name in Machine._fields}
    # The first runs could compute on the CPU only and did not say so.
    known |= {"gpus": tuple(facts.get("gpus") or ()), "device": facts.get("device") or "cpu"}
    return Machine(*known.values())


def names_of(machines: Iterable[Machine | None]) -> list[str]:
    """Different machines in words, sorted."""
    return sorted("an unknown machine" if machine is None else str(machine) for machine in set(machines))


def _count(n: int | None, one: str, more: str = "") -> str:
    return "" if n is None else f"{n} {one}{'' if n == 1 else 's'}{more}"


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
