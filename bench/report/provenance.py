"""Where the numbers of a report come from: folders, versions, machines, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.records.load import Pool, Run
from bench.records.record import Record
from bench.text import count_of, span


def provenance(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For each run its folder, date, code, versions, machine and workers, as far as its ``run.json`` has them.

    A run that was resumed under other conditions has one item for each of them, with the date of the first session.
    """
    names = [run.folder.resolve().name for run in runs]
    unique = len(set(names)) == len(names)
    return [
        facts
        for run, name in zip(runs, names, strict=True)
        for facts in _sessions(run, name if unique else str(run.folder))
    ]


def sentence(facts: Mapping[str, Any]) -> str:
    """The facts of one run in one line."""
    dirty = " + uncommitted changes" if facts["git_dirty"] else ""
    parts = [
        facts["created"],
        f"git {facts['git']}{dirty}" if facts["git"] else None,
        f"torch {facts['torch']}" if facts["torch"] else None,
        facts["gpu"],
        facts["cpu"],
        _count(facts["jobs"], "worker"),
        _count(facts["threads"], "thread per worker", "threads per worker"),
    ]
    known = [str(part) for part in parts if part]
    return f"{facts['run']}: {', '.join(known) or 'no run.json'}"


def rates_note(cells: Iterable[Record]) -> str:
    """What the measured rates of ``cells`` are worth."""
    measured = [cell for cell in cells if cell.machine]
    # Without workers one process computes, which is as busy.
    jobs = span((max(1, cell.machine.jobs) for cell in measured if cell.machine and cell.machine.jobs is not None), "d")
    threads = span((cell.machine.threads for cell in measured if cell.machine), "d")
    batch = span((cell.recipe.get("batch_size") for cell in measured), "d")
    shared = f"while {_count(jobs, 'worker')} shared the machine" if jobs else "while the sweep ran"
    details = [f"threads per worker: {threads}" if threads else "", f"training batch: {batch}" if batch else ""]
    known = ", ".join(filter(None, details))
    return f"Pairs/s are indicative: measured {shared}{f' ({known})' if known else ''}."


def left_out(pool: Pool) -> list[str]:
    """What the numbers do not contain although a record of it exists."""
    lines = []
    if pool.superseded:
        groups = {cell.group for cell in pool.superseded}
        names = sorted({f"{group.fusion} × {group.backbone} on {group.domain}" for group in groups})
        lines.append(
            f"Left out: {count_of(len(pool.superseded), 'older record')} of cells that were run again "
            f"with other code, data or test pairs, or tested on other domains: {', '.join(names)}."
        )
    if pool.repeated:
        lines.append(
            f"Left out: {count_of(pool.repeated, 'record')} of cells that another of these runs finished later."
        )
    return lines


def _sessions(run: Run, name: str) -> list[dict[str, Any]]:
    earlier = run.header.get("earlier")
    headers = [*(earlier if isinstance(earlier, list) else []), run.header]
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for header in headers:
        conditions = _conditions(header)
        found.setdefault(tuple(conditions.values()), {"run": name, "created": header.get("created"), **conditions})
    return list(found.values())


def _conditions(header: Mapping[str, Any]) -> dict[str, Any]:
    git, config = _mapping(header, "git"), _mapping(header, "config")
    jobs, hardware = config.get("jobs"), _mapping(header, "hardware")
    return {
        "git": str(git.get("sha") or "")[:10] or None,
        "git_dirty": bool(git.get("dirty")),
        "torch": _mapping(header, "versions").get("torch"),
        "gpu": _gpu(hardware) if str(header.get("device")).startswith("cuda") else None,
        "cpu": hardware.get("cpu"),
        "jobs": max(1, jobs) if isinstance(jobs, int) else None,
        "threads": header.get("threads"),
    }


def _gpu(hardware: Mapping[str, Any]) -> str | None:
    """Names of the GPUs of a machine, each with how many there are of it."""
    names = hardware.get("gpus")
    found = Counter(map(str, names)) if isinstance(names, list) else Counter()
    return ", ".join(f"{n} x {name}" if n > 1 else name for name, n in found.items()) or None


def _count(n: Any, one: str, many: str = "") -> str | None:
    return f"{n} {one if str(n) == '1' else many or one + 's'}" if n else None


def _mapping(header: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = header.get(name)
    return value if isinstance(value, Mapping) else {}
