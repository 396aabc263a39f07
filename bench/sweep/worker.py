"""What runs inside a worker process. Importing this module imports nothing heavy."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.observers import Observer, ask, build_observers
from bench.records.folder import RunFolder
from bench.registry import Choice

if TYPE_CHECKING:
    from bench.sweep.cell import Cell
    from bench.sweep.execution import Execution
    from bench.sweep.measure import Finished
    from bench.training.loop import History

Result = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One piece of work: cells of one bundle, mostly one, with their keys; or the warm-up that cells wait for."""

    kind: Literal["cell", "warmup"]
    cells: tuple[Cell, ...]
    keys: tuple[str, ...]

    @property
    def cell(self) -> Cell:
        """The first one: the others differ in their seed alone."""
        return self.cells[0]

    def __str__(self) -> str:
        others = len(self.cells) - 1
        return str(self.cell) + (f" and {others} more" if others else "")


@dataclass(frozen=True)
class Workplace:
    """What every worker of a sweep needs to know.

    Attributes:
        run: folder of the run. progress: where workers leave news of what they are at.
        parent: the process without which they end.
    """

    include: tuple[str, ...]
    threads: int
    run: Path
    progress: Path
    parent: int
    execution: Execution
    observers: tuple[Choice[Observer], ...] = ()


_here: Workplace | None = None
_observers: tuple[Observer, ...] = ()


def start(workplace: Workplace) -> None:
    """Prepare this process: leave Ctrl-C to the parent, end when the parent is gone, set threads, load plug-ins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(workplace.parent,), daemon=True).start()
    settle(workplace)


def settle(workplace: Workplace) -> None:
    """Set the threads, load the plug-ins and build the observers, in whatever process the cells run."""
    global _here, _observers
    import torch

    from bench import zoo

    torch.set_num_threads(workplace.threads)
    zoo.load(workplace.include)
    _here, _observers = workplace, build_observers(workplace.observers, workplace.run)


def perform(task: Task) -> list[Result]:
    """Do one task and return what it leaves in the record of each cell, with what was ``said`` about it; a failure is
    a result, not an exception."""
    from bench.sweep.outcome import failure, failure_of
    from bench.sweep.prepare import ensure_warmup

    assert _here is not None, "start() or settle() comes first"
    if any(cell.key() != key for cell, key in zip(task.cells, task.keys, strict=True)):
        reason = "the source of a plug-in changed while the sweep ran; run it again"
        return [failure("error", "SourceChanged", reason) for _ in task.cells]
    try:
        if task.kind == "cell":
            return _run(task, _here)
        warmup = ensure_warmup(task.cell, _notebook(_here.progress, task), _here.execution.device)
        return [{"status": "ok", "warmup_seconds": warmup.seconds if warmup else 0.0}]
    except Exception as error:
        return [failure_of(error) for _ in task.cells]


def _run(task: Task, place: Workplace) -> list[Result]:
    from bench.sweep.bundle import run_bundle
    from bench.sweep.outcome import failure_of

    said: dict[Cell, list[str]] = {cell: [] for cell in task.cells}

    def look(finished: Finished) -> None:
        said[finished.cell].extend(ask(_observers, lambda one: one.look(finished)))

    files = [RunFolder(place.run).scores / f"{key}.npz" for key in task.keys]
    note, say = _notebook(place.progress, task), said[task.cell].append
    outcomes = run_bundle(task.cells, files, note, look, place.execution, say)
    return [
        {**(failure_of(outcome) if isinstance(outcome, Exception) else _judged(outcome)), "said": said[cell]}
        for cell, outcome in zip(task.cells, outcomes, strict=True)
    ]


def _judged(result: Result) -> Result:
    """What a cell measured, with its status."""
    from bench.errors import CollapsedError, DivergedError
    from bench.sweep.outcome import failure

    try:
        json.dumps(result, allow_nan=False)
    except ValueError:
        return failure("diverged", DivergedError.__name__, "a measured value is not finite")
    reason = result.pop("collapse")
    if reason:
        return {**result, **failure("collapsed", CollapsedError.__name__, reason)}
    return {**result, "status": "ok", "error": None}


def _notebook(folder: Path, task: Task) -> Callable[[float, History], None]:
    """A progress callback that leaves its news in a file of this process, for whoever draws the progress display.

    A file, not a queue: a worker that is killed while it holds a queue's lock would block all others.
    """
    path = folder / f"{os.getpid()}.json"

    def note(share: float, history: History) -> None:
        news = {
            "kind": task.kind,
            "cell": str(task),
            "share": share,
            "curve": [point[2] for point in history.curve],
        }
        # In one step for who reads it, but never waiting for the disk: it is out of date in a moment.
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(news))
        fresh.replace(path)

    return note


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
