"""What runs in a job of SLURM. All that it reads and writes lies in the folder of the jobs."""

from __future__ import annotations

import pickle
import signal
import sys
import time
from pathlib import Path

from bench.atomic import write_bytes_atomically
from bench.executors.away import Post
from bench.processes import Ended

# Within which all processes of a job that is ended are told so, one after the other.
SIGNALS_SECONDS = 2.0


def task_of(folder: Path, number: int) -> Path:
    """File of a task: pickled itself, with the file of its warm-up and its limit in seconds."""
    return folder / f"{number}.task"


def begun(folder: Path, number: int) -> Path:
    """File that says that a job has begun a task."""
    return folder / f"{number}.begun"


def result_of(folder: Path, number: int) -> Path:
    """File of the end of a task; empty once it was read."""
    return folder / f"{number}.result"


def news_of(folder: Path) -> Path:
    """Folder in which jobs leave what they are at."""
    return folder / "news"


def work_off(folder: str, numbers: list[int]) -> None:
    """Do tasks one after the other; those that have a result, from before the job was queued again, are done.

    What SLURM ends leaves no result: the task is done again where the job is queued again, and else the state of the
    job tells what became of it.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    # submitit would end the job before its time is over, and SLURM not know why it ended.
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)
    here = Path(folder)
    post = Post((here / "luggage").read_bytes(), news_of(here))
    try:
        for number in numbers:
            if result_of(here, number).exists():
                continue
            task, warmup, limit = pickle.loads(task_of(here, number).read_bytes())
            start = pickle.loads((here / warmup).read_bytes()) if warmup else None
            begun(here, number).touch()
            end = post.work(task, start, limit)
            if isinstance(end.outcome, Ended):
                time.sleep(SIGNALS_SECONDS)  # the signal that ended the worker process may be on its way to this one
            write_bytes_atomically(result_of(here, number), pickle.dumps(end))
    finally:
        post.close()
