"""Contract and registry of executors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

from bench.registry import Registry, states
from bench.sweep.worker import Result, Task, Workplace


class Executor(ABC):
    """Runs tasks, in this process or in others.

    Workplace, tasks and results are picklable. Wherever a task runs, that process calls
    :func:`bench.sweep.worker.settle` with the workplace once, then :func:`bench.sweep.worker.perform` with each task; a
    failure of a cell is a result. What an executor loses, such as a process that dies, it reports as
    :func:`bench.sweep.outcome.failure`, once for each cell of the task.

    Args:
        workplace: what every worker of the sweep needs to know.
        jobs: tasks that run at a time, from :meth:`count_jobs`; None for as many as there is room for.
        timeout: seconds that a cell may take; None is no limit. What a user can set follows as typed parameters with
            defaults.

    Attributes:
        name: what ``--executor`` calls it.
    """

    name: str

    def __init__(self, workplace: Workplace, jobs: int | None, timeout: float | None) -> None:
        self.workplace, self.jobs, self.timeout = workplace, jobs, timeout

    @classmethod
    def find_device(cls, wanted: str) -> str:
        """``cpu`` or ``cuda``; ``auto`` is a GPU where this machine has one.

        Raises:
            UsageError: a GPU is wanted, and there is surely none where tasks run.
        """
        from bench.sweep.execution import find_device  # torch, which whoever only hands tasks on does not need

        return find_device(wanted)

    @classmethod
    def count_jobs(cls, wanted: int | None, device: str, threads: int) -> int | None:
        """Tasks that run at a time: as many as are ``wanted``, on each GPU where there are several, else what this
        machine holds; None where that is not known before they run."""
        from bench.sweep.execution import default_jobs, gpus_of

        return default_jobs(device, threads) if wanted is None else wanted * max(1, gpus_of(device))

    def limit(self, task: Task) -> float | None:
        """Seconds that a task may take: the timeout is that of a cell or of a warm-up."""
        of_one = self.workplace.warmup_timeout if task.kind == "warmup" else self.timeout
        return of_one * len(task.cells) if of_one else None

    @abstractmethod
    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        """Yield each task with its results, one per cell, as it ends.

        Warm-ups come first in ``tasks``; a cell starts when the warm-up of its identity has ended.

        Args:
            on_poll: to be called a few times a second meanwhile; it may raise ``KeyboardInterrupt``, which ends all.
        """


BUILT_IN = "bench.executors.inline", "bench.executors.local", "bench.executors.ray", "bench.executors.slurm"
EXECUTORS: Registry[Executor] = Registry(
    "executor", states("executor", "name"), BUILT_IN, given=("workplace", "jobs", "timeout")
)
register_executor = EXECUTORS.register
