"""Tasks one after the other in the main process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bench.executors.contract import Executor, register_executor
from bench.executors.tasks import Line
from bench.sweep import worker
from bench.sweep.worker import Result, Task


@register_executor
class InlineExecutor(Executor):
    """This process, one task after the other: for debuggers and small runs. No timeout, no isolation."""

    name = "inline"

    @classmethod
    def count_jobs(cls, wanted: int | None, device: str, threads: int) -> int:
        return 0

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        worker.settle(self.workplace)
        line, task = Line(tasks), None
        while (task := line.take(task)) is not None:
            on_poll()
            yield task, worker.perform(task)
            line.ended(task)
