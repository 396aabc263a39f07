"""Tasks in long-lived worker processes of this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait

from pebble import ProcessExpired, ProcessPool

from bench.executors.contract import Executor, register_executor
from bench.sweep import worker
from bench.sweep.execution import keep_freed_memory
from bench.sweep.outcome import failure, failure_of
from bench.sweep.worker import Result, Task

POLL_SECONDS = 0.25


@register_executor
class LocalExecutor(Executor):
    """Worker processes of this machine; one that dies takes only its task with it, and is replaced.

    A worker keeps to one backbone, domain and seed as long as there are cells of it, because it keeps their pairs and
    encodings.
    """

    name = "local"

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        waiting = list(tasks)
        running: dict[Future[list[Result]], Task] = {}
        ended: list[Task] = []
        keep_freed_memory()
        context = multiprocessing.get_context("spawn")
        pool = ProcessPool(self.jobs, initializer=worker.start, initargs=[self.workplace], context=context)
        try:
            while waiting or running:
                while len(running) < self.jobs and (task := next_task(waiting, list(running.values()), ended)):
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
        return self.timeout * len(task.cells) if self.timeout and task.kind == "cell" else None

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
