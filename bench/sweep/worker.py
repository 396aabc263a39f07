"""What runs inside a worker process. Importing this module imports nothing heavy."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bench.errors import StorageError
from bench.guard import same_folder
from bench.interrupt import pass_on_interrupt
from bench.observers import Observer, ask, build_observers
from bench.records.folder import RunFolder
from bench.registry import Choice

if TYPE_CHECKING:
    from bench.sweep.cell import Cell
    from bench.sweep.execution import Execution
    from bench.sweep.measure import Finished
    from bench.sweep.watch import Validation
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
        warmup_timeout: seconds that a warm-up may take; None is no limit.
        store: URL of where a warm-up may be before it is computed, if any.
    """

    include: tuple[str, ...]
    threads: int
    run: Path
    progress: Path
    execution: Execution
    observers: tuple[Choice[Observer], ...] = ()
    warmup_timeout: float | None = None
    store: str | None = None


_here: Workplace | None = None
_observers: tuple[Observer, ...] = ()


def settle(workplace: Workplace, gpu: int = 0) -> None:
    """Set the threads and the GPU, load the plug-ins and build the observers, in whatever process the cells run.

    Args:
        gpu: number of the one to compute on, where the sweep computes on GPUs.
    """
    global _here, _observers
    import torch

    from bench import zoo
    from bench.sweep.execution import take_gpu

    torch.set_num_threads(workplace.threads)
    if workplace.execution.device == "cuda":
        take_gpu(gpu)
    # Loaded with the first metric, it would count as the evaluation of the first cell.
    import_module("sklearn.metrics")
    zoo.load(workplace.include)
    _here, _observers = workplace, build_observers(workplace.observers, workplace.run)


def perform(task: Task) -> list[Result]:
    """Do one task and return what it leaves in the record of each cell, with what was ``said`` about it; a failure is
    a result, not an exception.

    A result with ``unsaved`` is no record: a file could not be written, so that the sweep has to stop.
    """
    from bench.sweep.outcome import failure
    from bench.sweep.prepare import ensure_warmup

    assert _here is not None, "settle() comes first"
    if any(cell.key() != key for cell, key in zip(task.cells, task.keys, strict=True)):
        reason = "the source of a plug-in changed while the sweep ran, or is another one here; run it again"
        return [failure("error", "SourceChanged", reason) for _ in task.cells]
    process = os.getpid()
    try:
        with same_folder():
            if task.kind == "cell":
                return _run(task, _here)
            _look_in_store(task.cell, _here)
            warmup = ensure_warmup(task.cell, _notebook(_here.progress, task), _here.execution.device)
            return [{"status": "ok", "warmup_seconds": warmup.seconds if warmup else 0.0}]
    except BaseException as error:
        pass_on_interrupt(error)
        return [_failed(error) for _ in task.cells]
    finally:
        if os.getpid() != process:
            os._exit(0)  # a copy of this process, made by code of others, must not go on with its work


def _run(task: Task, place: Workplace) -> list[Result]:
    from bench.sweep.bundle import run_bundle
    from bench.sweep.outcome import judged

    said: dict[Cell, list[str]] = {cell: [] for cell in task.cells}

    def look(finished: Finished) -> None:
        said[finished.cell].extend(ask(_observers, lambda one: one.look(finished)))

    def check(pairs: int, validation: Validation) -> None:
        said[task.cell].extend(ask(_observers, lambda one: one.check(task.cell, pairs, validation)))

    files = [RunFolder(place.run).scores / f"{key}.npz" for key in task.keys]
    note, say = _notebook(place.progress, task), said[task.cell].append
    outcomes = run_bundle(task.cells, files, note, look, place.execution, say, check)
    return [
        {**(_failed(outcome) if isinstance(outcome, BaseException) else judged(outcome)), "said": said[cell]}
        for cell, outcome in zip(task.cells, outcomes, strict=True)
    ]


def _look_in_store(cell: Cell, place: Workplace) -> None:
    from bench.sweep.store import Store
    from bench.training.warmup.cache import on_stderr

    if place.store and cell.computed_start:
        Store(place.store).fetch(cell.computed_start, on_stderr)


def _failed(error: BaseException) -> Result:
    from bench.sweep.outcome import failure_of

    return {"unsaved": str(error)} if isinstance(error, StorageError) else failure_of(error)


def _notebook(folder: Path, task: Task) -> Callable[[float, History], None]:
    """A progress callback that leaves its news in a file of this process, for whoever draws the progress display.

    A file, not a queue: a worker that is killed while it holds a queue's lock would block all others.
    """
    path = folder / f"{platform.node()}-{os.getpid()}.json"

    def note(share: float, history: History) -> None:
        news = {
            "kind": task.kind,
            "cell": str(task),
            "share": share,
            "curve": [point[2] for point in history.curve],
        }
        # In one step for who reads it, but never waiting for the disk: it is out of date in a moment.
        fresh = path.with_suffix(".new")
        with suppress(OSError):
            fresh.write_text(json.dumps(news))
            fresh.replace(path)

    return note
