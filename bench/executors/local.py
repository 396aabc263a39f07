"""Tasks in long-lived worker processes of this machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from weakref import WeakKeyDictionary

from bench.executors.contract import Executor, register_executor
from bench.executors.tasks import Line, results_of, spoils_worker, without_warmup
from bench.processes import Ended, News, Worker
from bench.sweep import worker
from bench.sweep.execution import gpus_of, next_gpu, room_on_gpus
from bench.sweep.worker import Result, Task

POLL_SECONDS = 0.25
# In which a signal to all processes of a job has reached each of them.
SIGNAL_SECONDS = 1.0


@register_executor
class LocalExecutor(Executor):
    """Worker processes of this machine; one that ends takes only its task with it, and is replaced.

    A worker keeps to one backbone, domain and seed as long as there are cells of it, because it keeps their pairs and
    encodings.
    """

    name = "local"

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        line, running, idle = Line(tasks), dict[Worker, Task](), list[tuple[Worker, Task | None]]()
        news: News = SimpleQueue()
        device, gpus = self.workplace.execution.device, WeakKeyDictionary[Worker, int]()
        # To ask takes a little of each, or all of one that only one process may use.
        room = room_on_gpus(device) if gpus_of(device) > 1 else []

        def hire() -> Worker:
            """A new worker, on the GPU that has room for it."""
            gpu = next_gpu(room, Counter(gpus[one] for one in running)) if room else 0
            one = Worker(worker.settle, (self.workplace, gpu), worker.perform, news)
            gpus[one] = gpu
            return one

        def left_by(one: Worker, outcome: list[Result] | Ended) -> Iterator[tuple[Task, list[Result]]]:
            """The results of what a worker did, and of what is lost with it."""
            task = running.pop(one)
            line.ended(task)
            results = results_of(task, outcome, one.output)
            if one.ended is None and spoils_worker(results, device):
                one.stop()
            elif one.ended is None:
                idle.insert(0, (one, task))
            yield task, results
            for cell in line.lost_with(task, results):
                yield cell, without_warmup(cell, results)

        try:
            while line or running:
                self._hand_out(line, running, idle, hire)
                ended = {one: outcome for one in running if (outcome := one.poll()) is not None}
                killed = [one for one, outcome in ended.items() if _is_killed(outcome)]
                for one in [one for one in ended if one not in killed]:
                    yield from left_by(one, ended[one])
                if killed:
                    _let_signals_come(on_poll)
                for one in killed:
                    yield from left_by(one, ended[one])
                # Last, for it may end the sweep, and what is done is to be kept.
                on_poll()
                if not ended and running:
                    next(iter(running)).wait(POLL_SECONDS)
        finally:
            for one in [*running, *(one for one, _ in idle)]:
                one.stop()

    def _hand_out(
        self,
        line: Line,
        running: dict[Worker, Task],
        idle: list[tuple[Worker, Task | None]],
        hire: Callable[[], Worker],
    ) -> None:
        """Give tasks to idle workers, then to new ones, as long as there are tasks that can start."""
        while self.jobs is None or len(running) < self.jobs:
            while idle and idle[0][0].poll() is not None:
                idle.pop(0)  # it died of what an earlier task left behind
            task = line.take(before=idle[0][1] if idle else None)
            if task is None:
                return
            one = idle.pop(0)[0] if idle else hire()
            one.send(task, self.limit(task))
            running[one] = task


def _is_killed(outcome: list[Result] | Ended) -> bool:
    return isinstance(outcome, Ended) and outcome.status == "killed"


def _let_signals_come(on_poll: Callable[[], None]) -> None:
    """Poll for a moment: a signal to a whole job may end workers before it is seen here, and no cell failed then."""
    until = time.monotonic() + SIGNAL_SECONDS
    while time.monotonic() < until:
        on_poll()
        time.sleep(POLL_SECONDS)
    on_poll()
