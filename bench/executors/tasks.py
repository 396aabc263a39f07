"""Which task is next, and what one left: the same wherever they run."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from bench.processes import Ended
from bench.sweep.outcome import failure
from bench.sweep.worker import Result, Task
from bench.text import printable

if TYPE_CHECKING:
    from bench.training.warmup import WarmupSpec

LINES_SAID, LONGEST_SAID = 20, 300
Data = tuple[str, str, int]


class Place(NamedTuple):
    """What a worker keeps from one task to the next."""

    data: Data
    start: WarmupSpec | None


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


class Line:
    """The tasks that wait, and who is next.

    Those of one data and warm-up lie together, and where one is taken the others go to the end: so places that no
    worker has come first, and the next of a million tasks is found as fast as the next of ten.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._warmups, self._cells = deque[Task](), OrderedDict[Place, deque[Task]]()
        self._starting: Counter[WarmupSpec | None] = Counter()
        for task in tasks:
            self._queue(task).append(task)

    def __bool__(self) -> bool:
        return bool(self._warmups or self._cells)

    def take(self, before: Task | None = None) -> Task | None:
        """What an idle worker does next: a warm-up, else a cell of the data of the task that it did ``before``, else
        of data that no other worker has; None where all wait for warm-ups that run."""
        if self._warmups:
            task = self._warmups.popleft()
            self._starting[task.cell.start] += 1
            return task
        place = self._next_place(before)
        if place is None:
            return None
        tasks = self._cells[place]
        task = tasks.popleft()
        if tasks:
            self._cells.move_to_end(place)
        else:
            del self._cells[place]
        return task

    def ended(self, task: Task) -> None:
        """A task that was taken runs no more: what waited for a warm-up can start."""
        if task.kind == "warmup":
            self._starting -= Counter([task.cell.start])

    def put_back(self, task: Task) -> None:
        """A task that was taken and lost with its worker waits again, before all others."""
        self.ended(task)
        self._queue(task).appendleft(task)
        if task.kind == "cell":
            self._cells.move_to_end(_place_of(task), last=False)

    def _queue(self, task: Task) -> deque[Task]:
        return self._warmups if task.kind == "warmup" else self._cells.setdefault(_place_of(task), deque())

    def _next_place(self, before: Task | None) -> Place | None:
        last = _place_of(before) if before else None
        if last and last in self._cells and last.start not in self._starting:
            return last
        return next((place for place in self._cells if place.start not in self._starting), None)


def data_of(task: Task) -> Data:
    """Backbone, domain and seed: what the pairs of a task depend on, and their encodings beside the warm-up."""
    return str(task.cell.backbone), str(task.cell.domain), task.cell.seed


def _place_of(task: Task) -> Place:
    return Place(data_of(task), task.cell.start)
