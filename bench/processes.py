"""A process that works for this one and may end in any way: by exiting, by a signal, stopped, or out of memory.

Code of others runs in it. What it does to its process becomes an outcome here, and whatever it starts ends with it.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, Literal
from weakref import WeakSet

from bench.fork_server import fork_server, set_environment
from bench.memory import available_bytes, memory_bytes, resident_bytes
from bench.printed import KEPT_BYTES, Output
from bench.text import printable

# With many workers on a busy file system, importing torch takes a minute.
START_SECONDS = 600.0
STOPPED_SECONDS = 5.0
# Between two polls, from which on this process was suspended itself, mostly with all others of its job.
SUSPENDED_SECONDS = 5.0
# Share of the memory that stays free: what the main process and the kernel need to go on.
RESERVE = 0.04

# What its process has imported before it starts: named, for what works here knows nothing of sweeps.
PRELOAD = "bench.sweep.preload"

News = SimpleQueue[None]


def get_ready() -> None:
    """Begin to import what a :class:`Worker` needs, beside what this process has to do until there is one."""
    fork_server(PRELOAD)


@dataclass(frozen=True)
class Ended:
    """How a process ended that left no result.

    Attributes:
        status: as that of a record. kind: of error. message: in a line.
    """

    status: Literal["killed", "oom", "timeout", "error"]
    kind: str
    message: str


class Worker:
    """One process, which does one task after the other.

    ``prepare(*arguments)`` is called in it first, then ``act(task)`` with every task, which returns anything but None.
    All are picklable.

    Args:
        news: told when there is something to :meth:`poll`; shared by workers that are waited for together.
    """

    _all: ClassVar[WeakSet[Worker]] = WeakSet()

    def __init__(
        self,
        prepare: Callable[..., object],
        arguments: tuple[Any, ...],
        act: Callable[[Any], Any],
        news: News | None = None,
    ) -> None:
        context = fork_server(PRELOAD)
        self._news: News = SimpleQueue() if news is None else news
        self._messages: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._pipe, theirs = context.Pipe()
        read, write = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve,
            args=(theirs, write, dict(os.environ), prepare, arguments, act),
            name="bench worker",
            daemon=False,
        )
        self._process.start()
        theirs.close()
        write.close()
        self._output = Output(read)
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._since = self._polled = time.monotonic()
        self._is_ready, self._stopped_since = False, float("inf")
        self._task_limit: float | None = None
        self.ended: Ended | None = None
        Worker._all.add(self)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid or 0

    @property
    def seconds(self) -> float:
        """How long it has been at its task; before it is ready, at its start. What was suspended does not count."""
        return time.monotonic() - self._since

    @property
    def output(self) -> str:
        """The beginning and the end of what it printed since its task began."""
        return self._output.text

    def send(self, task: Any, limit: float | None = None) -> None:
        """Let it do a task; when it is still starting, after that.

        Args:
            limit: seconds for it, without the start of the process.
        """
        self._output.clear()
        self._task_limit = limit
        self._since = self._polled = time.monotonic()
        # One that died meanwhile is found by poll().
        with suppress(OSError, ValueError):
            self._pipe.send(task)

    def wait(self, seconds: float) -> bool:
        """Wait until there may be something to :meth:`poll`; returns whether there is."""
        try:
            self._news.get(timeout=seconds)
        except Empty:
            return False
        return True

    def poll(self) -> Any | Ended | None:
        """What it did: the result of ``act``, or how it ended; None while it works. One that ended is stopped."""
        self._leave_out_suspension()
        if self.ended is None:
            result = self._next_message()
            if result is not None:
                return result
            self.ended = self.ended or self._why_ended()
        if self.ended is not None:
            self.stop()
        return self.ended

    def stop(self) -> None:
        """End it and whatever it started."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.kill()
        self._process.join()
        self._pipe.close()
        Worker._all.discard(self)

    def _leave_out_suspension(self) -> None:
        before, self._polled = self._polled, time.monotonic()
        gap = self._polled - before
        if gap > SUSPENDED_SECONDS:
            self._since += gap
            self._stopped_since += gap

    def _next_message(self) -> Any | None:
        while True:
            try:
                kind, content = self._messages.get_nowait()
            except Empty:
                return None
            if kind == "result":
                return content
            if kind == "raised":
                self.ended = Ended("error", *content)
                return None
            self._is_ready, self._since = True, time.monotonic()

    def _why_ended(self) -> Ended | None:
        """How it ended or what it is to be ended for; None where it works."""
        if self._process.exitcode is not None:
            return self._after_death()
        limit = self._task_limit if self._is_ready else START_SECONDS
        if limit is not None and self.seconds > limit:
            what = "not done" if self._is_ready else "the worker process had not started"
            return Ended("timeout", "TimeoutError", f"{what} within {limit:g} s")
        if not self._reader.is_alive() and self._messages.empty():
            self._process.join(timeout=1)
            is_alive = self._process.exitcode is None
            closed = Ended("killed", "ProcessEnded", "the worker process closed the pipe for its results")
            return closed if is_alive else self._after_death()
        if self._has_been_stopped():
            return Ended("killed", "ProcessStopped", "the worker process was stopped by a signal and did not go on")
        left = available_bytes()
        if left < RESERVE * memory_bytes() and self is max(Worker._all, key=lambda one: resident_bytes(one.pid)):
            held, free = resident_bytes(self.pid) / 2**30, left / 2**30
            return Ended("oom", "MemoryError", f"stopped at {held:.1f} GiB, when {free:.1f} GiB of memory were left")
        return None

    def _after_death(self) -> Ended | None:
        """How the process died, once everything is read that it sent before."""
        with suppress(OSError):
            os.killpg(self.pid, signal.SIGKILL)
        self._reader.join(timeout=2)
        if not self._messages.empty():
            return None
        return Ended("killed", "ProcessEnded", f"the worker process ended ({how_ended(self._process.exitcode or 0)})")

    def _has_been_stopped(self) -> bool:
        now = time.monotonic()
        is_stopped = state_of(self.pid) == "T"
        self._stopped_since = min(self._stopped_since, now) if is_stopped else float("inf")
        return now - self._stopped_since > STOPPED_SECONDS

    def _listen(self) -> None:
        # In a thread: a process that is stopped in the midst of a message would stop whoever reads it.
        try:
            while True:
                self._messages.put(self._pipe.recv())
                self._news.put(None)
        except BaseException:
            # Its end, or something that is no message: the pipe is of no more use.
            self._news.put(None)


def how_ended(code: int) -> str:
    """An exit code of a process in words, such as ``exit code 0`` or ``SIGKILL``."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def state_of(pid: int) -> str:
    """The state of a process as one letter, T where it is stopped; empty where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def _serve(
    pipe: Connection,
    output: Connection,
    environment: dict[str, str],
    prepare: Callable[..., object],
    arguments: tuple[Any, ...],
    act: Callable[[Any], Any],
) -> None:
    """What runs in the process."""
    # A group of its own: what the code of others starts can be ended with it, and Ctrl-C is left to the parent.
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for stream in (1, 2):
        os.dup2(output.fileno(), stream)
    output.close()
    faulthandler.enable()
    set_environment(environment)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    here = os.getpid()
    try:
        prepare(*arguments)
        pipe.send(("ready", None))
        while True:
            task = pipe.recv()
            result = act(task)
            if os.getpid() != here:
                os._exit(0)  # a copy of this process, made by the code of others
            sys.stdout.flush()
            pipe.send(("result", result))
    except BaseException as error:
        if os.getpid() == here:
            with suppress(OSError):
                pipe.send(("raised", (type(error).__name__, printable(str(error), KEPT_BYTES))))
        os._exit(1)


def _end_with_parent() -> None:
    """End this process and what it started when the one that it works for is gone."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)
