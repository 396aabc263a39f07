"""Executors: where tasks run. Each yields the results of a task, one per cell, in the order in which tasks end."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from typing import Any, Protocol

from pebble import ProcessExpired, ProcessPool

from bench.sweep import worker
from bench.sweep.outcome import failure, failure_of
from bench.sweep.worker import Task, Workplace

POLL_SECONDS = 0.25
Result = dict[str, Any]


class Executor(Protocol):
    """Runs tasks; a task whose warm-up is still being computed waits for it."""

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        """Yield each task with its results as it ends. ``on_poll`` is called a few times a second meanwhile."""


class InlineExecutor:
    """Runs everything in this process, one after the other: for debuggers and small runs. No timeout, no isolation."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        worker.settle(self._workplace)
        for task in tasks:
            on_poll()
            yield task, worker.perform(task)


class PoolExecutor:
    """Long-lived worker processes; one that dies takes only its task with it, and is replaced.

    A worker keeps to one backbone, domain and seed as long as there are cells of it, because it keeps their pairs and
    encodings.
    """

    def __init__(self, workplace: Workplace, jobs: int, timeout: float | None) -> None:
        self._workplace, self._jobs, self._timeout = workplace, jobs, timeout

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        waiting = list(tasks)
        running: dict[Future[list[Result]], Task] = {}
        ended: list[Task] = []
        keep_freed_memory()
        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(self._jobs, initializer=worker.start, initargs=[self._workplace], context=context)
        try:
            while waiting or running:
                while len(running) < self._jobs and (task := next_task(waiting, list(running.values()), ended)):
                    waiting.remove(task)
                    ended = ended[1:]
                    running[pool.schedule(worker.perform, args=[task], timeout=self.limit(task))] = task
                done, _ = wait(running, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                for future in done:
                    ended.append(running.pop(future))
                    yield ended[-1], self._results(ended[-1], future)
                # Last, for it may end the sweep, and what is done is to be kept.
                on_poll()
            pool.close()
        finally:
            pool.stop()
            pool.join()

    def limit(self, task: Task) -> float | None:
        """Seconds that a task may take: the timeout is that of a cell, and a warm-up has none."""
        return self._timeout * len(task.cells) if self._timeout and task.kind == "cell" else None

    def _results(self, task: Task, future: Future[list[Result]]) -> list[Result]:
        try:
            return future.result()
        except TimeoutError:
            failed = failure("timeout", "TimeoutError", f"not done within {self.limit(task):g} s")
        except ProcessExpired as error:
            failed = failure("killed", "ProcessExpired", f"the worker process died (exit code {error.exitcode})")
        except Exception as error:
            failed = failure_of(error)
        return [failed for _ in task.cells]


def keep_freed_memory() -> None:
    """Let processes that are started from now on keep the memory that they free.

    The C library returns large freed blocks to the kernel by default, and the next training step pays to get them back.
    """
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**32))
    os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**32))


def next_task(waiting: Sequence[Task], running: Sequence[Task], ended: Sequence[Task] = ()) -> Task | None:
    """What an idle worker does next: a warm-up, else a cell of the data of the task that ``ended`` on it, else of data
    that no other worker has, else the first in line; never one whose warm-up is before it in line or running."""
    pending = {task.cell.start for task in running if task.kind == "warmup"}
    last, busy = {_data(task) for task in ended[:1]}, {_data(task) for task in running}

    def rank(task: Task) -> tuple[bool, bool, bool]:
        return task.kind != "warmup", _data(task) not in last, _data(task) in busy

    for task in sorted(waiting, key=rank):
        if task.kind == "warmup" or task.cell.start not in pending:
            return task
    return None


def _data(task: Task) -> tuple[str, str, int]:
    """What the pairs and encodings of a task depend on."""
    return str(task.cell.backbone), str(task.cell.domain), task.cell.seed
