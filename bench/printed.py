"""What is printed by code of others, whatever its amount: its beginning and its end are kept."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from bench.text import printable

KEPT_BYTES = 4_000
# What a child holds open has no end.
LAST_WORDS_SECONDS = 1.0


class Output:
    """Takes what a process prints, whatever its amount, and keeps the beginning and the end.

    Args:
        pipe: the end to read from; ``done`` is set when the other one is closed.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()
        self.done = threading.Event()
        self.clear()
        threading.Thread(target=self._drain, daemon=True).start()

    def clear(self) -> None:
        """Forget what was printed so far."""
        with self._lock:
            self._first, self._last, self._missing = b"", b"", 0

    @property
    def text(self) -> str:
        """What is kept, as it can be shown anywhere."""
        with self._lock:
            between = f"\n... ({self._missing:,} bytes left out) ...\n".encode() if self._missing else b""
            whole = self._first + between + self._last
        return printable(whole.decode(errors="replace")).strip()

    def _drain(self) -> None:
        with suppress(OSError):
            while part := os.read(self._pipe.fileno(), 1 << 16):
                with self._lock:
                    room = KEPT_BYTES // 2 - len(self._first)
                    self._first += part[: max(0, room)]
                    rest = self._last + part[max(0, room) :]
                    self._last = rest[-KEPT_BYTES // 2 :]
                    self._missing += len(rest) - len(self._last)
        self._pipe.close()
        self.done.set()


@contextmanager
def printing_little() -> Iterator[None]:
    """Whatever is printed within, in any way, comes out on stderr afterwards: its beginning and its end."""
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {}
    for stream in (1, 2):
        with suppress(OSError):  # one that is closed takes nothing
            kept[stream] = os.dup(stream)
    read, write = multiprocessing.Pipe(duplex=False)
    output = Output(read)
    for stream in kept:
        os.dup2(write.fileno(), stream)
    write.close()
    try:
        yield
    finally:
        for file in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                file.flush()
        for stream, before in kept.items():
            os.dup2(before, stream)
            os.close(before)
        output.done.wait(LAST_WORDS_SECONDS)
        if output.text:
            print(output.text, file=sys.stderr)
