"""Measures rows: interleaved in rounds, each measurement in a process of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import torch
from rich.console import Console
from rich.progress import Progress

from bench.errors import UsageError
from bench.records.record import DONE
from bench.speed import busy
from bench.speed.processes import FreshProcesses
from bench.speed.records import Record, SpeedFile, new_run
from bench.speed.rows import Row
from bench.speed.summary import DIGITS, summarise
from bench.speed.worker import Result, Task
from bench.sweep.outcome import failure
from bench.sweep.provenance import git_state, hardware, versions
from bench.text import say

NO_CUDA = "no CUDA device here"
OK, FAILED, INTERRUPTED = 0, 3, 130
Do = Callable[[Task, Row], Result]


class Measured:
    """A row with what is known of it so far.

    Attributes:
        row: with its batch, once that is known.
        result: of the latest task; where it failed, no further one is done.
    """

    def __init__(self, row: Row) -> None:
        self.row = row
        self.looked_for = row.batch is None
        missing = row.device == "cuda" and not torch.cuda.is_available()
        self.result: Result = failure("not_applicable", "NotApplicableError", NO_CUDA) if missing else {"status": "ok"}
        self.facts: dict[str, Any] = {}
        self.rounds: list[dict[str, Any]] = []

    @property
    def is_ok(self) -> bool:
        """Whether nothing failed so far."""
        return bool(self.result["status"] == "ok")

    def advance(self, task: Task, do: Do) -> None:
        """Do one more task and keep what it found."""
        self.result = dict(do(task, self.row))
        if not self.is_ok:
            return
        found = {name: value for name, value in self.result.items() if name != "status"}
        if task == "search":
            self.row = replace(self.row, batch=found["batch"])
        if task == "time":
            self.rounds.append(_rounded(found.pop("times")))
        self.facts |= found

    def record(self, is_busy: bool) -> dict[str, Any]:
        """Coordinates, result and times as a record keeps them."""
        known = {**asdict(self.row), "batch_choice": "best" if self.looked_for else "given"}
        if not self.is_ok:
            return known | self.result
        summary = summarise(self.rounds, self.facts["pairs"], is_busy)
        return known | {"status": "ok", "error": None} | summary | self.facts | {"rounds": self.rounds}


def measure(
    rows: Sequence[Row], rounds: int, file: SpeedFile, include: tuple[str, ...], command: str, console: Console
) -> tuple[list[Record], int]:
    """Measure ``rows`` and append their records to ``file``.

    Args:
        console: where progress and the summary go.

    Returns:
        The records, and the exit code: 0, 3 where a row failed, 130 after Ctrl-C (the rounds until then count).

    Raises:
        UsageError: a sweep, or another measurement, is running on this machine.
    """
    writer = busy.writer_at_work()
    if writer is not None:
        raise UsageError(f"{writer} is being written to: nothing is measured beside a sweep; wait for it to end")
    load = busy.load()
    is_busy = load > busy.QUIET_LOAD
    if is_busy:
        console.print(
            f"warning: {load:.0%} of the cores are busy before the start; rows are flagged busy", style="yellow"
        )
    measured = [Measured(row) for row in rows]
    with file:
        about = _provenance(command, load)
        interrupted = advance_all(measured, rounds, FreshProcesses(include).do, console)
        writer = busy.writer_at_work(file.path)
        if writer is not None:
            is_busy = True
            text = f"warning: {writer} is being written to by now; rows are flagged busy"
            say(console, text, "yellow")
        # Not earlier: the names of the GPUs may take a CUDA context in this process.
        about |= {"machine": hardware()}
        done = [one for one in measured if one.rounds or not one.is_ok]
        records: list[Record] = [about | one.record(is_busy) for one in done]
        file.write(records)
    _tell(records, file, about["run"], console)
    failed = any(record["status"] not in DONE for record in records)
    return records, INTERRUPTED if interrupted else FAILED if failed else OK


def advance_all(measured: Sequence[Measured], rounds: int, do: Do, console: Console) -> bool:
    """Search and weigh, then time all rows in turn, round after round. Returns whether Ctrl-C ended it."""
    searched = [one for one in measured if one.looked_for]
    turns: list[tuple[Task, Iterable[Measured]]] = [("search", searched), ("weigh", measured)]
    turns += [("time", measured)] * rounds
    with Progress(console=console, transient=True) as progress:
        line = progress.add_task("", total=len(searched) + (1 + rounds) * len(measured))
        try:
            for task, ones in turns:
                for one in ones:
                    progress.update(line, description=f"{task} {one.row.fusion} {one.row.mode}")
                    if one.is_ok:
                        one.advance(task, do)
                    progress.advance(line)
        except KeyboardInterrupt:
            return True
    return False


def _provenance(command: str, load: float) -> dict[str, Any]:
    """What a record says of its run, as it was before the measurement."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    about = {"run": new_run(), "created": created, "command": command, "load_per_core": round(load, 2)}
    return {**about, "git": git_state(), "versions": versions()}


def _rounded(times: dict[str, Any]) -> dict[str, Any]:
    rounded = {name: [round(value, DIGITS) for value in times[name]] for name in ("blocks", "latencies")}
    return {**times, **rounded}


def _tell(records: Sequence[Record], file: SpeedFile, run: str, console: Console) -> None:
    counts = Counter(record["status"].replace("_", " ") for record in records)
    parts = [f"{count} {status}" for status, count in counts.most_common()]
    flagged = Counter(flag for record in records for flag in record.get("flags", ()))
    parts += [f"{count} flagged {flag}" for flag, count in flagged.items()]
    text = f"run {run}: {', '.join(parts)} · {file.path}"
    say(console, text, "bold")
