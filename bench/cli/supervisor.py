"""A process that watches over the one that does the work of a command.

Code of others can end its process in ways that no ``except`` sees: ``os._exit(0)``, a signal, a crash, a stop, an
endless loop while it is imported. The supervisor runs nothing of others, so that none of these ends quietly or never.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from bench import guard
from bench.errors import LONGEST_LINE
from bench.interrupt import interrupt
from bench.processes import how_ended
from bench.text import printable

# To import a plug-in or to build something of it; a large library that it needs takes part of a minute.
LOAD_SECONDS = 120.0
# For what a plug-in left running, once the command is done.
EXIT_SECONDS = 5.0
POLL_SECONDS = 0.5
TURNS = 100
FAILED = 3
DONE = "\x00done "
FORWARDED = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2
PR_SET_CHILD_SUBREAPER = 36


@dataclass
class _Watched:
    """The process that does the work, and what it announced.

    Attributes:
        running: the code of others that it runs by now; empty where it runs its own. since: when that began.
        code: the exit code that it announced; None before.
    """

    pid: int
    notes: int
    running: str = guard.NOTHING
    since: float = field(default_factory=time.monotonic)
    code: int | None = None
    _rest: bytes = b""

    def read(self, seconds: float) -> None:
        """Take in what it announces within that time."""
        ready, _, _ = select.select([self.notes], [], [], seconds)
        part = os.read(self.notes, 1 << 16) if ready else b""
        if ready and not part:
            time.sleep(0.01)  # it has closed its end, and is about to end itself
        *lines, self._rest = (self._rest + part).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace")
            self.since = time.monotonic()
            if text.startswith(DONE):
                self.code = int(text.removeprefix(DONE))
            else:
                self.running = text

    def seconds(self) -> float:
        """Since the last announcement."""
        return time.monotonic() - self.since


def supervised(work: Callable[[], int]) -> int:
    """The exit code of ``work``, done in a process of its own: again where code of others ended it, without that.

    Called before anything heavy is imported and while there is one thread, so that the processes cost next to nothing.
    """
    culprits: dict[str, str] = {}
    _adopt_orphans()
    while True:
        watched = _start(work, culprits)
        reason = _wait(watched)
        _end_children()
        if not reason:
            return 0 if watched.code is None else watched.code
        if not watched.running:
            _tell(f"bench: the program was ended ({reason}), perhaps by a plug-in; what was finished before is kept")
            return FAILED
        _tell(f"warning: {watched.running} ended the program ({reason}); going on without it")
        culprits[watched.running] = f"it ended the program ({reason})"


def _start(work: Callable[[], int], culprits: dict[str, str]) -> _Watched:
    """Fork the process that does the work. It ends when this one does."""
    notes, announce = os.pipe()
    alive, lifeline = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        os.close(notes)
        os.close(lifeline)
        threading.Thread(target=_end_with_supervisor, args=(alive,), daemon=True).start()
        guard.supervise(announce, culprits)
        for number in FORWARDED:
            signal.signal(number, interrupt if number in (signal.SIGINT, signal.SIGTERM) else signal.SIG_DFL)
        code = work()
        with suppress(OSError):
            os.write(announce, f"{DONE}{code}\n".encode())
        sys.exit(code)
    os.close(announce)
    os.close(alive)

    def forward(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    for number in FORWARDED:
        signal.signal(number, forward)
    return _Watched(pid, notes)


def _wait(watched: _Watched) -> str:
    """Wait for its end; returns how it ended where that was not of its own will."""
    reason = ""
    while True:
        watched.read(POLL_SECONDS)
        done, status = os.waitpid(watched.pid, os.WNOHANG | os.WUNTRACED)
        if done and not os.WIFSTOPPED(status):
            watched.read(0)
            os.close(watched.notes)
            if watched.code is not None:
                return ""
            return reason or how_ended(os.waitstatus_to_exitcode(status))
        if watched.code is not None and watched.seconds() > EXIT_SECONDS:
            os.kill(watched.pid, signal.SIGKILL)
        if watched.running and not reason:
            if done and os.WSTOPSIG(status) == signal.SIGSTOP:
                reason = "it was stopped by SIGSTOP"
            elif watched.seconds() > LOAD_SECONDS:
                reason = f"not done within {LOAD_SECONDS:g} s"
            if reason:
                os.kill(watched.pid, signal.SIGKILL)


def _adopt_orphans() -> None:
    """Become the parent of whatever a descendant leaves behind, so that :func:`_end_children` finds it."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_children() -> None:
    """End what the code of others left running, orphans of orphans included."""
    for turn in range(TURNS):
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        children = _children()
        if not children:
            return
        # Those of the libraries end by themselves at once, and have something to tidy up.
        for pid in children if turn >= TURNS // 2 else ():
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _children() -> list[int]:
    try:
        return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
    except OSError:
        return []


def _end_with_supervisor(alive: int) -> None:
    # Nothing is ever written: the end of the file is that of the supervisor.
    os.read(alive, 1)
    os.kill(os.getpid(), signal.SIGKILL)


def _tell(line: str) -> None:
    with suppress(OSError):
        print(printable(line, LONGEST_LINE), file=sys.stderr, flush=True)
