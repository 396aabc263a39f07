"""Which task is next, and what one left: the same wherever they run."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from bench.processes import Ended
from bench.sweep.outcome import failure
from bench.sweep.worker import Result, Task
from bench.text import printable

if TYPE_CHECKING:
    from bench.training.warmup import WarmupSpec

LINES_SAID, LONGEST_SAID = 20, 300


class Data(NamedTuple):
    """What the pairs of a task depend on, and their encodings beside the warm-up."""

    backbone: str
    domain: str
    seed: int


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


def spoils_worker(results: Sequence[Result], device: str) -> bool:
    """Whether a process with such results does no other task: some errors of a GPU make every later call in it fail."""
    return device == "cuda" and any(result.get("status") in ("error", "oom") for result in results)


def start_of(task: Task) -> WarmupSpec | None:
    """The warm-up that a task needs or computes; None where it has none of this program's own."""
    return task.cell.computed_start if task.cell.fusion.cls.encoder == "trained" else None


def is_late(task: Task, results: list[Result]) -> bool:
    """Whether it is a warm-up that took longer than it may."""
    return task.kind == "warmup" and results[0]["status"] == "timeout"


def without_warmup(task: Task, late: list[Result]) -> list[Result]:
    """The results of a cell whose warm-up took too long, which had the results ``late``."""
    told = f"its warm-up took too long: {late[0]['error']['message']}"
    return [failure("timeout", "WarmupTimeout", told) for _ in task.cells]


class Line:
    """The tasks that wait, and who is next.

    Those of one data and warm-up lie together, and where one is taken the others go to the end: so places that no
    worker has come first, and the next of a million tasks is found as fast as the next of ten.
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._warmups, self._cells = deque[Task](), OrderedDict[Place, deque[Task]]()
        self._starting: Counter[WarmupSpec | None] = Counter()
        self._held: Counter[Place] = Counter()
        # Of repetitions, by their numbers: as their cells stand, for there may be warm-ups of the later ones alone.
        self._turn: dict[int, int] = {}
        for task in tasks:
            for cell in task.cells if task.kind == "cell" else ():
                self._turn.setdefault(cell.seed, len(self._turn))
            self._queue(task).append(task)
            if task.kind == "warmup":
                self._starting[task.cell.start] += 1

    def __bool__(self) -> bool:
        return bool(self._warmups or self._cells)

    def take(self, before: Task | None = None) -> Task | None:
        """What an idle worker does next; None where all wait for warm-ups that run.

        A cell of the data of the task that it did ``before``; else the warm-up or the data without a worker that come
        first in the plan; else a cell of data that another worker has.
        """
        last = _place_of(before) if before else None
        place = last if last and last in self._cells and self._is_ready(last) else self._next_place()
        if self._warmups and (place is None or (place != last and not self._is_before_warmups(place))):
            return self._warmups.popleft()
        if place is None:
            return None
        tasks = self._cells[place]
        task = tasks.popleft()
        self._held[place] += 1
        if tasks:
            self._cells.move_to_end(place)
        else:
            del self._cells[place]
        return task

    def ended(self, task: Task) -> None:
        """A task that was taken runs no more: what waited for a warm-up can start."""
        if task.kind == "warmup":
            self._starting -= Counter([task.cell.start])
        else:
            self._held -= Counter([_place_of(task)])

    def put_back(self, task: Task) -> None:
        """A task that was taken and lost with its worker waits again, before all others."""
        if task.kind == "cell":
            self.ended(task)
        self._queue(task).appendleft(task)
        if task.kind == "cell":
            self._cells.move_to_end(_place_of(task), last=False)

    def lost_with(self, task: Task, results: list[Result]) -> list[Task]:
        """The cells that need a warm-up that took too long, which wait no more: they would compute it again."""
        lost: list[Task] = []
        if not is_late(task, results):
            return lost
        for place in [place for place in self._cells if place.start == task.cell.start]:
            queue = self._cells.pop(place)
            lost += [one for one in queue if start_of(one)]
            if kept := deque(one for one in queue if not start_of(one)):
                self._cells[place] = kept
        return lost

    def _queue(self, task: Task) -> deque[Task]:
        return self._warmups if task.kind == "warmup" else self._cells.setdefault(_place_of(task), deque())

    def _is_ready(self, place: Place) -> bool:
        return place.start not in self._starting

    def _next_place(self) -> Place | None:
        return next(filter(self._is_ready, self._cells), None)

    def _is_before_warmups(self, place: Place) -> bool:
        """Whether it is of an earlier repetition than the next warm-up, and no worker has it."""
        own, next_one = self._turn[place.data.seed], self._turn[self._warmups[0].cell.seed]
        return own < next_one and not self._held[place]


def data_of(task: Task) -> Data:
    """The data of a task."""
    return Data(str(task.cell.backbone), str(task.cell.domain), task.cell.seed)


def _place_of(task: Task) -> Place:
    return Place(data_of(task), task.cell.start)
