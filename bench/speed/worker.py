"""What a fresh process does: time a row, weigh it, or look for its best batch. It ends with the process."""

from __future__ import annotations

import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable
from itertools import repeat
from multiprocessing.connection import Connection
from typing import Any, Literal

import torch

from bench import zoo
from bench.cost.counts import counts
from bench.errors import NotApplicableError
from bench.speed.rows import Row
from bench.speed.settings import settings
from bench.speed.steps import build, prepare
from bench.speed.stopwatch import Stopwatch
from bench.sweep.outcome import failure_of, status_of

Task = Literal["time", "weigh", "search"]
Result = dict[str, Any]

MEMORY_CALLS = 3
LARGEST_BATCH, GAIN, PATIENCE, LONGEST_CALL = 1024, 1.02, 2, 1.0


def serve(task: Task, row: Row, include: tuple[str, ...], answer: Connection) -> None:
    """Do ``task`` in this process and send what a record keeps of it; a failure is a result, too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(row.threads)
    zoo.load(include)
    try:
        result = {"status": "ok", **TASKS[task](row)}
    except BaseException as error:
        result = failure_of(error)
    answer.send(result)
    answer.close()


def take_time(row: Row) -> Result:
    """Block times of one round."""
    watch, pairs = _watch(row, row.batch or 1)
    times = {"calls": watch.calls, "settled": watch.settled, "blocks": watch.blocks, "latencies": watch.latencies}
    return {"pairs": pairs, "times": times, "settings": settings(row.device)}


def weigh(row: Row) -> Result:
    """Peak memory of a few calls above what this process held before, in bytes, and the counts of the model."""
    start = _peak_of_process()
    work = prepare(row, row.batch or 1)
    work.run(repeat(None, MEMORY_CALLS))
    on_cuda = row.device == "cuda"
    peak = torch.cuda.max_memory_allocated() if on_cuda else _peak_of_process() - start
    memory = {"peak_bytes": peak, "process_bytes": start + (0 if on_cuda else peak)}
    return {**memory, "cost": counts(build(row))}


def search(row: Row) -> Result:
    """The batch of the highest rate among the powers of two, as long as doubling still gains and a call stays short."""
    rates: dict[int, float] = {}
    best, worse, batch = 1, 0, 1
    while batch <= LARGEST_BATCH and worse < PATIENCE:
        try:
            watch, pairs = _watch(row, batch)
        except NotApplicableError:
            # One pair alone cannot be trained on where there is a BatchNorm.
            if batch > 1:
                raise
            batch = best = 2
            continue
        except Exception as error:
            if rates and status_of(error) == "oom":
                break
            raise
        seconds = statistics.median(watch.blocks)
        rates[batch] = pairs / seconds
        improved = rates[batch] > GAIN * rates.get(best, 0.0)
        best, worse = (batch, 0) if improved or batch == best else (best, worse + 1)
        if seconds > LONGEST_CALL:
            break
        batch *= 2
    return {"batch": best, "searched": {str(size): round(rate, 1) for size, rate in rates.items()}}


TASKS: dict[Task, Callable[[Row], Result]] = {"time": take_time, "weigh": weigh, "search": search}


def _watch(row: Row, batch: int) -> tuple[Stopwatch, int]:
    work = prepare(row, batch)
    watch = Stopwatch(_clock(row.device))
    work.run(watch)
    return watch, work.pairs


def _clock(device: str) -> Callable[[], float]:
    """Wall-clock time once the device has done what it was given."""
    if device == "cpu":
        return time.perf_counter

    def now() -> float:
        torch.cuda.synchronize()
        return time.perf_counter()

    return now


def _peak_of_process() -> int:
    """Largest resident size of this process so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
