"""``ray``: tasks on the machines of a Ray cluster."""

from __future__ import annotations

import os
import pickle
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from bench.errors import LONGEST_LINE, UsageError, in_a_line, message_of
from bench.executors.away import AwayExecutor, End, Post, luggage, pack_start, received
from bench.executors.contract import register_executor
from bench.executors.ray_head import AUTO, LOCAL, RAY, connected
from bench.executors.tasks import Line, start_of, without_warmup
from bench.processes import Ended
from bench.sweep.worker import Result, Task, Workplace
from bench.text import count_of, printable

PORT = 6379
POLL_SECONDS, NEWS_SECONDS, ROOM_SECONDS, CLOSING_SECONDS, ANSWER_SECONDS = 0.25, 1.0, 5.0, 3.0, 3.0
LACK_SECONDS, TRIAL_SECONDS = 60.0, 20.0
# With its worker, not by its own doing: a machine was switched off, or taken away.
MOST_LOSSES = 3


@dataclass(eq=False)
class Hand:
    """A worker somewhere in the cluster, with the task it did last, and its answer to what it is at. Until it has
    answered once there may be no room for it."""

    number: int
    actor: Any
    is_there: bool = False
    before: Task | None = None
    asked: Any = None
    told: list[str] = field(default_factory=list)


@register_executor
class RayExecutor(AwayExecutor):
    """Worker processes on all machines of a Ray cluster, as many as have CPUs and GPUs for them.

    No disk is shared: plug-ins, warm-ups, scores and what observers write travel with tasks and results. Machines may
    come and go meanwhile: a task that is lost with one is done by another, at most three times.

    Args:
        address: ``auto`` is the cluster of this machine or of ``RAY_ADDRESS``, ``local`` one that is started here for
            this sweep; else its head, with ``port``.
    """

    name = RAY

    def __init__(
        self, workplace: Workplace, jobs: int | None, timeout: float | None, address: str = AUTO, port: int = PORT
    ) -> None:
        super().__init__(workplace, jobs, timeout)
        self._address = address if address in (AUTO, LOCAL) else f"{address}:{port}"
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise UsageError(f"executor {self.name}: ray cannot be imported ({error}); pip install ray") from None
        self._ray = ray
        self._numbers = count()
        self._looked = self._asked = self._told_lack = self._trial_since = float("-inf")
        # Number that those have passed who are hired on trial, after one did not start, until one of them answers.
        self._trial: int | None = None
        self._has_answered, self._alone = False, 0
        self._room = 1

    def run(self, tasks: Sequence[Task], on_poll: Callable[[], None]) -> Iterator[tuple[Task, list[Result]]]:
        line, running, idle = Line(tasks), dict[Any, tuple[Hand, Task]](), list[Hand]()
        losses = Counter[tuple[str, ...]]()
        cpus = self.jobs * self.workplace.threads if self.jobs else None
        with connected(self._ray, self._address, cpus):
            self._luggage, self._starts = self._ray.put(luggage(self.workplace)), dict[Any, Any]()
            try:
                while line or running:
                    self._hand_out(line, running, idle)
                    for ref in self._ready(list(running)):
                        hand, task = running.pop(ref)
                        end = self._end(ref, hand)
                        if isinstance(end, str):
                            idle, self._looked = self._answering(idle), float("-inf")
                            losses[task.kind, *task.keys] += self._is_of_the_task(hand, end, [*idle, *running])
                            if losses[task.kind, *task.keys] < MOST_LOSSES:
                                line.put_back(task)
                                continue
                            lost = f"its worker was lost {MOST_LOSSES} times: {end}"
                            end = End(Ended("killed", "WorkerLost", lost), "")
                        else:
                            hand.before = task
                            idle.insert(0, hand)
                        line.ended(task)
                        results = received(self.workplace, task, end)
                        yield task, results
                        for cell in line.lost_with(task, results):
                            yield cell, without_warmup(cell, results)
                    self._tell_news([hand for hand, _ in running.values()])
                    # Last, for it may end the sweep, and what is done is to be kept.
                    on_poll()
            finally:
                self._dismiss([*idle, *(hand for hand, _ in running.values())])

    def _hand_out(self, line: Line, running: dict[Any, tuple[Hand, Task]], idle: list[Hand]) -> None:
        """Give tasks to idle workers, then to new ones, as long as there is room and there are tasks that can start.
        Whom there is nothing for makes room for others: for sweeps beside this one, and for a worker that waits for
        it, as there was less room than thought."""
        most = self._most()
        while len(running) < most and (idle or self._may_hire(running)):
            task = line.take(before=idle[0].before if idle else None)
            if task is None:
                break
            hand = idle.pop(0) if idle else self._hire()
            packed, start = pickle.dumps(task), self._start_for(task)
            running[hand.actor.work.remote(packed, start, self.limit(task))] = hand, task
        if idle and (not line or not all(hand.is_there for hand, _ in running.values())):
            self._dismiss(idle)
            idle.clear()

    def _ready(self, refs: list[Any]) -> list[Any]:
        """Those that are done, once there is one or some time has passed: to ask takes longer the more there are."""
        ready, _ = self._ray.wait(refs, timeout=POLL_SECONDS)
        if ready:
            ready, _ = self._ray.wait(refs, num_returns=len(refs), timeout=0)
        return list(ready)

    def _most(self) -> int:
        """Tasks that may run at a time, by what the machines have that are there now."""
        if time.monotonic() - self._looked > ROOM_SECONDS:
            self._looked = time.monotonic()
            found = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
            threads, is_gpu = self.workplace.threads, self.workplace.execution.device == "cuda"
            cpus = [int(one.get("CPU", 0)) for one in found]
            gpus = [int(one.get("GPU", 0)) for one in found]
            fits = [min(cpu // threads, gpu) if is_gpu else cpu // threads for cpu, gpu in zip(cpus, gpus, strict=True)]
            if not any(fits):
                self._wait_for_machine(f"{'a GPU and ' if is_gpu else ''}{count_of(threads, 'CPU')}")
            # A cluster that grows on demand may have nothing yet.
            self._room = max(1, sum(fits))
        return min(self._room, self.jobs or self._room)

    def _wait_for_machine(self, needed: str) -> None:
        """Say from time to time what is waited for.

        Raises:
            UsageError: no machine will come.
        """
        if self._address == LOCAL:
            raise UsageError(f"executor {self.name}: this machine lacks {needed}, and no other one joins {LOCAL}")
        if time.monotonic() - self._told_lack > LACK_SECONDS:
            self._told_lack = time.monotonic()
            print(f"no machine of the Ray cluster has {needed}; waiting for one", file=sys.stderr)

    def _hire(self) -> Hand:
        needed = {"num_cpus": self.workplace.threads, "num_gpus": int(self.workplace.execution.device == "cuda")}
        spread = {} if self._trial is None else {"scheduling_strategy": "SPREAD"}
        # Two calls at a time: it says what it is at while it works.
        made = self._ray.remote(Post).options(**needed, **spread, max_restarts=0, max_concurrency=2)
        return Hand(next(self._numbers), made.remote(self._luggage))

    def _start_for(self, task: Task) -> Any:
        """The warm-up of a cell in the object store, where it is put once."""
        start = start_of(task) if task.kind == "cell" else None
        if start is None:
            return None
        if start not in self._starts:
            packed = pack_start(start)
            if not packed:
                return None
            self._starts[start] = self._ray.put(packed)
        return self._starts[start]

    def _end(self, ref: Any, hand: Hand) -> End | str:
        """How a task ended, or how its worker was lost."""
        hand.asked = None
        self._news_of(hand, [])
        try:
            end: End = self._ray.get(ref)
        except self._ray.exceptions.RayError as error:
            self._ray.kill(hand.actor)
            if cause := getattr(error, "cause", None):
                self._answered(hand)  # it raised this itself
                return in_a_line(cause)
            return _lost_by(error)
        self._answered(hand)
        return end

    def _may_hire(self, running: dict[Any, tuple[Hand, Task]]) -> bool:
        """Whether another worker is to be tried: where one did not start, one at a time, and after a while."""
        if self._trial is None or not running:
            return True
        return time.monotonic() > self._trial_since and all(hand.is_there for hand, _ in running.values())

    def _is_of_the_task(self, hand: Hand, lost: str, others: Sequence[object]) -> bool:
        """Whether a lost worker counts as a loss of its task. One that never answered is put down to its machine as
        long as there are others: where none can start is room at once, and one task after another would be lost.

        Raises:
            UsageError: no worker started anywhere.
        """
        if hand.is_there:
            return True
        if self._trial is None or time.monotonic() > self._trial_since:
            print(f"a worker did not start, and its task goes to another one: {lost}", file=sys.stderr)
        self._trial, self._trial_since = next(self._numbers), time.monotonic() + TRIAL_SECONDS
        if not others and not self._has_answered:
            self._alone += 1
            if self._alone == MOST_LOSSES:
                raise UsageError(f"executor {self.name}: no worker starts, {lost}")
        return not others

    def _answered(self, hand: Hand) -> None:
        hand.is_there = self._has_answered = True
        if self._trial is not None and hand.number > self._trial:
            self._trial = None

    def _answering(self, hands: Sequence[Hand]) -> list[Hand]:
        """Those that are still there: a machine that is lost takes all its workers with it, and a task that is given
        to each of them in turn would be lost with each."""
        asked = {hand.actor.news.remote(): hand for hand in hands}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_SECONDS) if asked else ([], [])
        silent = set(hands)
        for ref in ready:
            with suppress(self._ray.exceptions.RayError):
                self._ray.get(ref)
                silent.remove(asked[ref])
        for hand in silent:
            self._ray.kill(hand.actor)
        return [hand for hand in hands if hand not in silent]

    def _tell_news(self, hands: Sequence[Hand]) -> None:
        """Leave what workers are at where the display finds it, about once a second."""
        now = time.monotonic()
        if now - self._asked < NEWS_SECONDS:
            return
        self._asked = now
        asked = {hand.asked: hand for hand in hands if hand.asked is not None}
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=0) if asked else ([], [])
        for ref in ready:
            with suppress(self._ray.exceptions.RayError):
                self._news_of(asked[ref], self._ray.get(ref))
                self._answered(asked[ref])
        for hand in hands:
            if hand.asked is None or hand.asked in ready:
                hand.asked = hand.actor.news.remote()

    def _news_of(self, hand: Hand, told: list[str]) -> None:
        if told == hand.told:
            return
        hand.told = told
        file = self.workplace.progress / f"{hand.number}.json"
        with suppress(OSError):
            if told:
                file.with_suffix(".new").write_text(told[0])
                file.with_suffix(".new").replace(file)
            else:
                file.unlink(missing_ok=True)

    def _dismiss(self, hands: Sequence[Hand]) -> None:
        """End workers: those that answer remove their folders first."""
        with suppress(self._ray.exceptions.RayError):
            closing = [hand.actor.close.remote() for hand in hands]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=CLOSING_SECONDS)
        for hand in hands:
            with suppress(self._ray.exceptions.RayError):
                self._ray.kill(hand.actor)


def _lost_by(error: BaseException) -> str:
    """How a worker was lost. Of one that did not start, Ray names its machine in the first line and the cause in the
    last one."""
    text = message_of(error)
    machine = re.search(r"creation task.* ip=([^,\s]+)", text)
    return f"on {machine[1]}: {printable(text.strip().splitlines()[-1], LONGEST_LINE)}" if machine else in_a_line(error)
