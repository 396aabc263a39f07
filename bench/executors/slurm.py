"""``slurm``: tasks as jobs of a SLURM queue, by way of submitit."""

from __future__ import annotations

import math
import pickle
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import uuid4

from bench.atomic import make_folder, write_bytes_atomically
from bench.errors import UsageError, in_a_line
from bench.executors.away import AwayExecutor, End, luggage, pack_start, received
from bench.executors.contract import register_executor
from bench.executors.slurm_job import begun, news_of, result_of, task_of, work_off
from bench.executors.slurm_queue import cancel, refusal, states
from bench.executors.tasks import Data, data_of, is_late, start_of, without_warmup
from bench.processes import Ended
from bench.sweep.config import seconds
from bench.sweep.worker import Result, Task, Workplace
from bench.text import printable

POLL_SECONDS, LOOK_SECONDS, REFUSED_SECONDS = 1.0, 5.0, 30.0
# Since it had jobs of this sweep: a controller that is slow or starts again is back by then.
PATIENCE_SECONDS = 600.0
# After the end of a job, for what it wrote to be seen here: network file systems take their time.
GRACE_SECONDS = 10.0
MOST_LOSSES = 3
MOST_JOBS = 256
# Waiting or running at a time: an array has at most 1,000 jobs (MaxArraySize), and the files of all are asked for.
MOST_LOADS = 1_000
LONGEST_REASON = 300
# Of a job that is over. Others wait, run, or are about to do so again.
CANCELLED = "CANCELLED"
OUT_OF_TIME = "TIMEOUT", "DEADLINE"
OVER = CANCELLED, *OUT_OF_TIME, "COMPLETED", "FAILED", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "OUT_OF_MEMORY", "REVOKED"
GONE = "no longer known to SLURM"


@dataclass(eq=False)
class Load:
    """What one job is given: tasks by their numbers, of which those that end are taken off. ``over`` is when it was
    first seen to have ended."""

    job: str
    tasks: dict[int, Task]
    over: float | None = None

    def __post_init__(self) -> None:
        self.given = len(self.tasks)


@register_executor
class SlurmExecutor(AwayExecutor):
    """Jobs of a SLURM queue, each with some cells that it does one after the other.

    The nodes share the folder of the jobs, and no other disk: plug-ins, warm-ups, scores and what observers write go
    through it. What is lost with a node or by preemption is done by another job, at most three times; the cells of a
    job that is cancelled are ``killed``. What no parameter says, such as an account, ``sbatch`` reads from
    ``SBATCH_ACCOUNT`` and the like.

    Args:
        partition: the default one of the cluster, if empty.
        time: limit of a job, as 90s, 20m or 2h.
        cells_per_job: at most; they share their pairs and encodings where they can.
        folder: for jobs and their logs, on a disk that all nodes see; by default below the folder of the run.
    """

    name = "slurm"

    def __init__(
        self,
        workplace: Workplace,
        jobs: int | None,
        timeout: float | None,
        partition: str = "",
        time: str = "1h",
        cells_per_job: int = 10,
        folder: str = "",
    ) -> None:
        super().__init__(workplace, jobs, timeout)
        try:
            self._minutes = math.ceil((seconds(time) or 0) / 60)
        except ValueError as error:
            raise UsageError(f"executor {self.name}: time = {error}") from None
        if cells_per_job < 1:
            raise UsageError(f"executor {self.name}: cells_per_job = {cells_per_job}; expected at least 1")
        self._partition, self._cells_per_job = partition, cells_per_job
        self._folder = (Path(folder) if folder else workplace.run / "slurm").absolute() / uuid4().hex[:8]
        self._queue = self._submitit()
        self._losses = Counter[int]()
        self._told = dict[str, int]()
        self._looked = self._refused = self._had_jobs = float("-inf")

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        waiting, loads = dict(enumerate(tasks)), list[Load]()
        make_folder(self._folder)
        write_bytes_atomically(self._folder / "luggage", luggage(self.workplace))
        try:
            while waiting or loads:
                loads += self._submit(waiting, loads)
                for task, results in chain(self._collect(loads), self._give_up(loads, waiting)):
                    yield task, results
                    if not is_late(task, results):
                        continue
                    for number in [one for one, cell in waiting.items() if start_of(cell) == start_of(task)]:
                        cell = waiting.pop(number)
                        yield cell, without_warmup(cell, results)
                loads = [load for load in loads if load.tasks]
                self._tell_news()
                # Last, for it may end the sweep, and what is done is to be kept.
                on_poll()
                time.sleep(POLL_SECONDS)
        finally:
            cancel(load.job for load in loads)
            if not self._losses:
                shutil.rmtree(self._folder, ignore_errors=True)
                with suppress(OSError):
                    self._folder.parent.rmdir()

    def _collect(self, loads: Sequence[Load]) -> Iterator[tuple[Task, list[Result]]]:
        """The tasks that ended since, which are taken off their loads."""
        for load in loads:
            for number, task in list(load.tasks.items()):
                if (end := self._end(number)) is not None:
                    del load.tasks[number]
                    yield task, received(self.workplace, task, end)

    def _give_up(self, loads: Sequence[Load], waiting: dict[int, Task]) -> Iterator[tuple[Task, list[Result]]]:
        """Of jobs that are over, the tasks that are not done again; the others wait."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        for load, state in self._ended(loads):
            for number, lost in self._lost(load, state).items():
                task = load.tasks.pop(number)
                if lost is None:
                    waiting[number] = task
                else:
                    yield task, received(self.workplace, task, End(lost, ""))

    def _submitit(self) -> Any:
        try:
            import submitit
        except ImportError as error:
            message = f"submitit cannot be imported ({error}); pip install submitit"
            raise UsageError(f"executor {self.name}: {message}") from None
        if shutil.which("sbatch") is None:
            raise UsageError(f"executor {self.name}: there is no sbatch here; SLURM is not installed on this machine")
        asked: dict[str, Any] = {"time": self._minutes, "cpus_per_task": self.workplace.threads}
        asked |= {"gpus_per_node": 1} if self.workplace.execution.device == "cuda" else {}
        asked |= {"partition": self._partition} if self._partition else {}
        if reason := refusal(*(f"--{name.replace('_', '-')}={value}" for name, value in asked.items())):
            raise self._refused_by_slurm(reason)
        queue = submitit.SlurmExecutor(self._folder)
        # From SLURM 22.05 on srun does not take it from the job.
        of_step = [f"--cpus-per-task={self.workplace.threads}"]
        queue.update_parameters(
            job_name="fusebench", array_parallelism=self.jobs or MOST_JOBS, srun_args=of_step, **asked
        )
        return queue

    def _refused_by_slurm(self, reason: str) -> UsageError:
        return UsageError(f"executor {self.name}: sbatch: {printable(reason.strip(), LONGEST_REASON)}")

    def _submit(self, waiting: dict[int, Task], loads: Sequence[Load]) -> list[Load]:
        """Hand in jobs for the tasks that can start: warm-ups, and cells whose warm-up neither waits nor runs. More
        than ``MOST_LOADS`` wait until half of those are done.

        Raises:
            UsageError: SLURM does not take them, and has had none of before for ``PATIENCE_SECONDS``.
        """
        if loads:
            self._had_jobs = time.monotonic()
        if not waiting or len(loads) > MOST_LOADS // 2 or time.monotonic() < self._refused + REFUSED_SECONDS:
            return []
        others = [*waiting.values(), *(task for load in loads for task in load.tasks.values())]
        pending = {task.cell.start for task in others if task.kind == "warmup"}
        able = [number for number, task in waiting.items() if task.kind == "warmup" or task.cell.start not in pending]
        if not able:
            return []
        shares = self._shares({number: waiting[number] for number in able})[: MOST_LOADS - len(loads)]
        for share in shares:
            for number, task in share.items():
                self._write(number, task)
                del waiting[number]
        try:
            with self._queue.batch():
                jobs = [self._queue.submit(work_off, str(self._folder), list(share)) for share in shares]
            self._had_jobs = time.monotonic()
            return [Load(job.job_id, share) for job, share in zip(jobs, shares, strict=True)]
        except Exception as error:
            said = getattr(error, "stderr", None) or in_a_line(error)
            reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
            if time.monotonic() - self._had_jobs < PATIENCE_SECONDS:
                # It took others before: the queue is full, or whoever keeps it is slow to answer.
                self._refused = time.monotonic()
                for share in shares:
                    waiting.update(share)
                return []
            raise self._refused_by_slurm(reason) from None

    def _shares(self, tasks: dict[int, Task]) -> list[dict[int, Task]]:
        """Tasks by job: one warm-up, or cells of the same data as far as there are so many of them."""
        shares: list[dict[int, Task]] = []
        is_closed = True
        first: dict[Data, int] = {}
        for number, task in sorted(tasks.items()):
            first.setdefault(data_of(task), number)
        # Of one data side by side, in the order of the plan.
        for number, task in sorted(tasks.items(), key=lambda one: (first[data_of(one[1])], one[0])):
            # What was lost once does not take others with it.
            is_alone = task.kind == "warmup" or self._losses[number] > 0
            if is_alone or is_closed or len(shares[-1]) == self._cells_per_job:
                shares.append({})
            shares[-1][number] = task
            is_closed = is_alone
        return shares

    def _write(self, number: int, task: Task) -> None:
        start = start_of(task) if task.kind == "cell" else None
        warmup = f"{start.key()}.warmup" if start else ""
        if start and not (self._folder / warmup).exists():
            write_bytes_atomically(self._folder / warmup, pickle.dumps(pack_start(start)))
        content = pickle.dumps((pickle.dumps(task), warmup, self.limit(task)))
        write_bytes_atomically(task_of(self._folder, number), content)
        with suppress(OSError):
            begun(self._folder, number).unlink(missing_ok=True)

    def _end(self, number: int) -> End | None:
        """How a task ended; None where that is not known yet."""
        file = result_of(self._folder, number)
        try:
            content = file.read_bytes()
        except OSError:
            return None
        end: End = pickle.loads(content)
        # To make room, on a network file system that may fail for a moment. The file of the result stays: a job that is
        # queued again does what has none.
        with suppress(OSError):
            file.write_bytes(b"")
            task_of(self._folder, number).unlink(missing_ok=True)
        return end

    def _ended(self, loads: Sequence[Load]) -> list[tuple[Load, str]]:
        """The jobs that are over, for some time now, and their states."""
        known = states()
        if known is None:
            return []
        found = []
        for load in loads:
            state = known.get(load.job, GONE)
            if state in OVER or state == GONE:
                load.over = load.over or time.monotonic()
            else:
                load.over = None
            if load.over is not None and time.monotonic() - load.over > GRACE_SECONDS:
                found.append((load, state))
        return found

    def _lost(self, load: Load, state: str) -> dict[int, Ended | None]:
        """What becomes of the tasks that a job left without a result: None where they are done again."""
        at_work = [number for number in load.tasks if begun(self._folder, number).exists()]
        found: dict[int, Ended | None] = dict.fromkeys(load.tasks)
        for number in load.tasks if state == CANCELLED else at_work or load.tasks:
            self._losses[number] += 1
            if state == CANCELLED:
                found[number] = Ended("killed", "JobCancelled", f"job {load.job} was cancelled")
            elif state in OUT_OF_TIME and (load.given == 1 or self._losses[number] == MOST_LOSSES):
                late = f"not done within {self._minutes} min of job {load.job}"
                found[number] = Ended("timeout", "TimeoutError", late)
            elif self._losses[number] == MOST_LOSSES:
                logs = f"logs are in {self._folder}"
                found[number] = Ended("killed", "WorkerLost", f"{MOST_LOSSES} jobs were lost ({state}); {logs}")
        return found

    def _tell_news(self) -> None:
        """Leave what jobs are at where the display finds it."""
        for file in news_of(self._folder).glob("*.json"):
            with suppress(OSError):
                written = file.stat().st_mtime_ns
                if written != self._told.get(file.name):
                    self._told[file.name] = written
                    there = self.workplace.progress / file.name
                    shutil.copyfile(file, there.with_suffix(".new"))
                    there.with_suffix(".new").replace(there)
