"""Ctrl-C: told from code of others that raises ``KeyboardInterrupt``, and made to wait for a safe moment."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# No one presses a key twice in that time.
ECHO_SECONDS = 0.1

_last_signal = float("-inf")


class Interrupted(KeyboardInterrupt):
    """The user, or the system, asked this process to end.

    Attributes:
        exit_code: as shells have it, 130 after Ctrl-C.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.exit_code = 128 + number


def interrupt(number: int, frame: FrameType | None) -> None:
    """The handler of SIGINT and SIGTERM in a program that runs code of others."""
    if not _is_echo():
        raise Interrupted(number)


def _is_echo() -> bool:
    """Whether a signal is the last one again: Ctrl-C reaches a process from the terminal and from its supervisor."""
    global _last_signal
    before, _last_signal = _last_signal, time.monotonic()
    return _last_signal - before < ECHO_SECONDS


def pass_on_interrupt(error: BaseException) -> None:
    """Raise ``error`` again where it is a real interrupt: for whoever catches everything that code of others raises."""
    if isinstance(error, Interrupted):
        raise error
    if isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        raise error


class Interrupt:
    """While active, the first Ctrl-C or SIGTERM is only noted, and :meth:`check` raises it; the second one acts at
    once."""

    NUMBERS = signal.SIGINT, signal.SIGTERM

    def __init__(self) -> None:
        self._asked = 0

    def __enter__(self) -> Interrupt:
        # Signals belong to the main thread; a sweep in another one is ended by whoever started that.
        numbers = self.NUMBERS if threading.current_thread() is threading.main_thread() else ()
        self._before: dict[int, Any] = {number: signal.signal(number, self._note) for number in numbers}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise ``Interrupted`` if that was asked for."""
        if self._asked:
            raise Interrupted(self._asked)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if _is_echo():
            return
        if self._asked:
            raise Interrupted(number)
        self._asked = number


@contextmanager
def signals_kept() -> Iterator[None]:
    """What signals do stays as it is, whatever a library sets meanwhile."""
    numbers = Interrupt.NUMBERS if threading.current_thread() is threading.main_thread() else ()
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
