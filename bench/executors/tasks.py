"""Which task is next, and what one left: the same wherever they run."""

from __future__ import annotations

from collections.abc import Sequence

from bench.processes import Ended
from bench.sweep.outcome import failure
from bench.sweep.worker import Result, Task
from bench.text import printable

LINES_SAID, LONGEST_SAID = 20, 300


def results_of(task: Task, outcome: list[Result] | Ended, output: str) -> list[Result]:
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
    last, busy = data_of(before) if before else None, {data_of(task) for task in running}

    def rank(task: Task) -> tuple[bool, bool, bool]:
        return task.kind != "warmup", data_of(task) != last, data_of(task) in busy

    for task in sorted(waiting, key=rank):
        if task.kind == "warmup" or task.cell.start not in pending:
            return task
    return None


def data_of(task: Task) -> tuple[str, str, int]:
    """What the pairs and encodings of a task depend on."""
    return str(task.cell.backbone), str(task.cell.domain), task.cell.seed
