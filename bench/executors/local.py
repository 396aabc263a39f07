"""Tasks in long-lived worker processes of this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from queue import SimpleQueue
from weakref import WeakKeyDictionary

from bench.executors.contract import Executor, register_executor
from bench.processes import Ended, News, Worker
from bench.sweep import worker
from bench.sweep.execution import keep_freed_memory
from bench.sweep.outcome import failure
from bench.sweep.worker import Result, Task
from bench.text import printable

POLL_SECONDS = 0.25
LINES_SAID, LONGEST_SAID = 20, 300


@register_executor
class LocalExecutor(Executor):
    """Worker processes of this machine; one that ends takes only its task with it, and is replaced.

    A worker keeps to one backbone, domain and seed as long as there are cells of it, because it keeps their pairs and
    encodings.
    """

    name = "local"

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        keep_freed_memory()
        waiting, running, idle = list(tasks), dict[Worker, Task](), list[tuple[Worker, Task | None]]()
        news: News = SimpleQueue()
        slots = WeakKeyDictionary[Worker, int]()

        def hire() -> Worker:
            """A new worker, in the first slot that no other one has."""
            taken = {slots[one] for one in running}
            slot = next(number for number in count() if number not in taken)
            one = Worker(worker.settle, (self.workplace, slot), worker.perform, news)
            slots[one] = slot
            return one

        try:
            while waiting or running:
                self._hand_out(waiting, running, idle, hire)
                ended = [(one, outcome) for one in running if (outcome := one.poll()) is not None]
                for one, outcome in ended:
                    task = running.pop(one)
                    if one.ended is None:
                        idle.insert(0, (one, task))
                    yield task, _results(task, outcome, one.output)
                # Last, for it may end the sweep, and what is done is to be kept.
                on_poll()
                if not ended and running:
                    next(iter(running)).wait(POLL_SECONDS)
        finally:
            for one in [*running, *(one for one, _ in idle)]:
                one.stop()

    def _hand_out(
        self,
        waiting: list[Task],
        running: dict[Worker, Task],
        idle: list[tuple[Worker, Task | None]],
        hire: Callable[[], Worker],
    ) -> None:
        """Give tasks to idle workers, then to new ones, as long as there are tasks that can start."""
        while len(running) < self.jobs:
            while idle and idle[0][0].poll() is not None:
                idle.pop(0)  # it died of what an earlier task left behind
            before = idle[0][1] if idle else None
            task = next_task(waiting, list(running.values()), before)
            if task is None:
                return
            waiting.remove(task)
            one = idle.pop(0)[0] if idle else hire()
            one.send(task, self.limit(task))
            running[one] = task

    def limit(self, task: Task) -> float | None:
        """Seconds that a task may take: the timeout is that of a cell or of a warm-up."""
        of_one = self.workplace.warmup_timeout if task.kind == "warmup" else self.timeout
        return of_one * len(task.cells) if of_one else None


def _results(task: Task, outcome: list[Result] | Ended, output: str) -> list[Result]:
    """What a task left in each of its cells; what it printed is said about the first one."""
    if isinstance(outcome, Ended):
        # The end of the output holds the stack of a process that crashed.
        results = [failure(outcome.status, outcome.kind, outcome.message, output or None) for _ in task.cells]
    else:
        results = outcome
    lines = output.splitlines()
    shown = lines if len(lines) <= LINES_SAID else [*lines[: LINES_SAID - 1], "..."]
    said = [f"  {printable(line, LONGEST_SAID)}" for line in shown]
    return [{**results[0], "said": [*results[0].get("said", []), *said]}, *results[1:]]


def next_task(waiting: Sequence[Task], running: Sequence[Task], before: Task | None = None) -> Task | None:
    """What an idle worker does next: a warm-up, else a cell of the data of the task that it did ``before``, else of
    data that no other worker has, else the first in line; never one whose warm-up is before it in line or running."""
    pending = {task.cell.start for task in running if task.kind == "warmup"}
    last, busy = _data(before) if before else None, {_data(task) for task in running}

    def rank(task: Task) -> tuple[bool, bool, bool]:
        return task.kind != "warmup", _data(task) != last, _data(task) in busy

    for task in sorted(waiting, key=rank):
        if task.kind == "warmup" or task.cell.start not in pending:
            return task
    return None


def _data(task: Task) -> tuple[str, str, int]:
    """What the pairs and encodings of a task depend on."""
    return str(task.cell.backbone), str(task.cell.domain), task.cell.seed
