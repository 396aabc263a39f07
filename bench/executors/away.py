"""A worker away from the process that runs the sweep: nothing but bytes reach it, and nothing but bytes come back.

It has a run folder and a progress folder of its own, and the cache of its machine. Importing this imports nothing
heavy: a task is read in the process that does it.
"""

from __future__ import annotations

import pickle
import platform
import shutil
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cache_folder import cache_folder
from bench.executors.contract import Executor
from bench.executors.parcel import Parcel, pack, pack_folder, pack_sources, unpack
from bench.executors.tasks import results_of, spoils_worker, start_of
from bench.guard import culprits, leave_out
from bench.kept import DamagedError, writing
from bench.observers.contract import folder_end
from bench.processes import Ended, Worker
from bench.sweep import worker
from bench.sweep.worker import Result, Task, Workplace

if TYPE_CHECKING:
    from bench.training.warmup import WarmupSpec

POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Delivery:
    """What a task left: a result for each cell, the files in the folder of the run, those of a warm-up in the cache.

    Attributes:
        spoilt: its process is to do no other task.
    """

    results: list[Result]
    files: Parcel
    cached: Parcel
    spoilt: bool = False


@dataclass(frozen=True)
class End:
    """How a task ended, and what it printed."""

    outcome: Delivery | Ended
    output: str


class AwayExecutor(Executor):
    """Base class of those that hand tasks to other machines: this one knows neither their GPUs nor how many tasks they
    have room for."""

    @classmethod
    def find_device(cls, wanted: str) -> str:
        return "cuda" if wanted == "cuda" else super().find_device(wanted)

    @classmethod
    def count_jobs(cls, wanted: int | None, device: str, threads: int) -> int | None:
        return wanted or None


def luggage(place: Workplace) -> bytes:
    """What a worker takes along: the workplace, the sources of plug-ins, and which of them are left out here.

    Raises:
        UsageError: these are too large.
    """
    sources, include = pack_sources(place.include)
    given = [str(Path(one).expanduser().resolve()) for one in place.include]
    there = replace(place, include=include)
    return pickle.dumps((there, sources, dict(zip(include, given, strict=True)), culprits()))


def pack_start(start: WarmupSpec) -> Parcel:
    """The files of a warm-up; none where it has yet to be computed."""
    return pack(start.files(), cache_folder())


def received(place: Workplace, task: Task, end: End) -> list[Result]:
    """What a task left in each of its cells, once its files lie where they belong.

    Raises:
        StorageError: one cannot be written.
    """
    outcome = end.outcome
    if isinstance(outcome, Ended):
        return results_of(task, outcome, end.output)
    unpack(outcome.files, place.run, [folder_end(key) for key in task.keys])
    if outcome.cached and (start := start_of(task)):
        try:
            start.adopt({Path(name).name: content for name, content in outcome.cached.items()})
        except DamagedError as damage:
            print(f"warning: {task}: {damage}; workers compute it again", file=sys.stderr)
    return results_of(task, outcome.results, end.output)


class Post:
    """A worker process with its folder, on whatever machine this is made.

    Args:
        packed: from :func:`luggage`.
        progress: where it leaves news of what it is at; by default in its own folder, for :meth:`news`.
    """

    def __init__(self, packed: bytes, progress: Path | None = None) -> None:
        # Otherwise every worker process would import the script of whoever started this one.
        vars(sys.modules["__main__"]).pop("__file__", None)
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        self._progress = progress or self._folder / "news"
        self._progress.mkdir(exist_ok=True, parents=True)
        self._packed = packed
        self._worker: Worker | None = None

    def work(self, task: bytes, start: Parcel | None, limit: float | None) -> End:
        """Do a pickled task within ``limit`` seconds, from a warm-up that was computed elsewhere, if any.

        Raises:
            StorageError: that cannot be written to the cache.
        """
        if start:
            _keep(start)
        if self._worker is not None and self._worker.poll() is not None:
            self._worker = None  # it died of what an earlier task left behind
        if self._worker is None:
            self._worker = Worker(_settle, (self._packed, self._folder, self._progress), _perform)
        one = self._worker
        one.send(task, limit)
        while (outcome := one.poll()) is None:
            one.wait(POLL_SECONDS)
        if isinstance(outcome, Ended):
            self._worker = None
            # Else what it left half done would go with the results of the next one.
            shutil.rmtree(self._folder / "run", ignore_errors=True)
        elif outcome.spoilt:
            self._end_worker()
        return End(outcome, one.output)

    def news(self) -> list[str]:
        """What the worker process is at, as it left it."""
        found = []
        for file in self._progress.glob("*.json"):
            with suppress(OSError):
                found.append(file.read_text())
        return found

    def close(self) -> None:
        """End the worker process and remove its folder."""
        self._end_worker()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()
        self._worker = None


def _keep(start: Parcel) -> None:
    """Put the files of a warm-up into the cache of this machine, unless they are there."""
    *_, name = start
    card = cache_folder() / name
    if card.exists():
        return
    with writing(card, lambda line: print(line, file=sys.stderr)):
        if not card.exists():
            unpack(start, cache_folder())


_here: Workplace | None = None


def _settle(packed: bytes, folder: Path, progress: Path) -> None:
    global _here
    place, sources, given, left_out = pickle.loads(packed)
    plugins = (folder / "plug-ins").resolve()
    unpack(sources, plugins)
    leave_out(left_out)
    for name, before in given.items():
        # A file that ended the program is called by its path, which is another one here.
        leave_out({**culprits(), **{what.replace(before, str(plugins / name)): why for what, why in left_out.items()}})
    include = tuple(str(plugins / name) for name in place.include)
    _here = replace(place, include=include, run=folder / "run", progress=progress)
    worker.settle(_here)


def _perform(packed: bytes) -> Delivery:
    assert _here is not None, "_settle() comes first"
    task = pickle.loads(packed)
    results = [_placed(result, task, _here) for result in worker.perform(task)]
    start = start_of(task) if task.kind == "warmup" else None
    spoilt = spoils_worker(results, _here.execution.device)
    return Delivery(results, pack_folder(_here.run), pack_start(start) if start else {}, spoilt)


def _placed(result: Result, task: Task, place: Workplace) -> Result:
    """A result with the machine that its rates hold for, which is not that of the run."""
    from bench.sweep.provenance import hardware

    if "unsaved" in result:
        return {**result, "unsaved": f"{result['unsaved']} (on {platform.node()})"}
    if "cost" not in result:
        return result
    load = {"threads": place.threads, "precision": task.cell.recipe.precision, "device": place.execution.device}
    return {**result, "measured_on": {"machine": {**hardware(), "jobs": None, **load}, "factor": None}}
