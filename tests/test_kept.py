"""The lock of what is computed once: given up by whoever dies, waited for in words."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import kept
from bench.kept import locked


@pytest.fixture
def hold() -> Iterator[Callable[[Path, bool], int]]:
    """Forks a process that holds a lock until it is killed, and with it perhaps a child that outlives it."""
    (end, still), (told, tell) = os.pipe(), os.pipe()

    def fork(path: Path, with_a_child: bool) -> int:
        holder = os.fork()
        if holder == 0:
            os.close(still)
            with locked(path, say=print):
                if not with_a_child or os.fork():
                    os.write(tell, b".")
                os.read(end, 1)  # returns when the test is over
                os._exit(0)
        os.read(told, 1)
        return holder

    yield fork
    for pipe in (end, still, told, tell):
        os.close(pipe)


@pytest.mark.parametrize("with_a_child", [False, True])
def test_a_killed_holder_gives_it_up(
    hold: Callable[[Path, bool], int], with_a_child: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "PATIENCE", 0.1)
    monkeypatch.setattr(kept, "REMINDER", 10.0)
    path, said = tmp_path / "deep" / "one.lock", []

    def say(line: str) -> None:
        assert not said, "waits for ever"
        said.append(line)

    holder = hold(path, with_a_child)
    killed = threading.Timer(0.3, os.kill, (holder, signal.SIGKILL))
    killed.start()
    with locked(path, say):
        killed.join(timeout=0.01)
        assert not killed.is_alive()
    os.waitpid(holder, 0)
    assert said == [f"another process is at work and holds {path}; waiting for it"]
