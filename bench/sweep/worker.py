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

if TYPE_CHECKING:
    from bench.sweep.cell import Cell
    from bench.sweep.execution import Execution
    from bench.sweep.observer import Finished, Observer
    from bench.training.loop import History


@dataclass(frozen=True)
class Task:
    """One piece of work: a cell, or the warm-up that cells wait for."""

    kind: Literal["cell", "warmup"]
    cell: Cell
    key: str


@dataclass(frozen=True)
class Workplace:
    """What every worker of a run needs to know."""

    include: tuple[str, ...]
    threads: int
    scores: Path
    progress: Path
    parent: int
    execution: Execution
    observers: tuple[Observer, ...] = ()


_here: Workplace | None = None


def start(workplace: Workplace) -> None:
    """Prepare this process: leave Ctrl-C to the parent, end when the parent is gone, set threads, load plug-ins."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(workplace.parent,), daemon=True).start()
    settle(workplace)


def settle(workplace: Workplace) -> None:
    """Set the threads and load the plug-ins, in whatever process the cells run."""
    global _here
    import torch

    from bench import zoo

    torch.set_num_threads(workplace.threads)
    zoo.load(workplace.include)
    _here = workplace


def perform(task: Task) -> dict[str, Any]:
    """Do one task and return what it leaves in a record, with what observers ``said``; a failure is a result, not an
    exception."""
    from bench.sweep.observer import observe
    from bench.sweep.outcome import failure, failure_of
    from bench.sweep.run_cell import ensure_warmup, run_cell

    assert _here is not None, "start() or settle() comes first"
    if task.cell.key() != task.key:
        return failure("error", "SourceChanged", "the source of a plug-in changed while the sweep ran; run it again")
    place, said = _here, list[str]()
    note = _notebook(place.progress, task)

    def look(finished: Finished) -> None:
        said.extend(observe(place.observers, finished))

    try:
        if task.kind == "warmup":
            warmup = ensure_warmup(task.cell, note, place.execution.device)
            return {"status": "ok", "warmup_seconds": warmup.seconds if warmup else 0.0}
        scores = place.scores / f"{task.key}.npz"
        result = run_cell(task.cell, scores, note, look, place.execution)
    except Exception as error:
        return failure_of(error)
    return {**_judged(result), "said": said}


def _judged(result: dict[str, Any]) -> dict[str, Any]:
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
            "cell": str(task.cell),
            "share": share,
            "curve": [point[2] for point in history.curve],
        }
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(news))
        os.replace(temporary, path)

    return note


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
