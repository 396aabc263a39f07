"""Processes of their own for the price of a fork."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


class Job:
    """A process that was started; :meth:`wait` returns how it ended and what it printed."""

    def __init__(self, server: subprocess.Popen[str], pid: int, printed: tuple[Path, Path]) -> None:
        self._server, self.pid, self._printed = server, pid, printed

    def wait(self) -> subprocess.CompletedProcess[str]:
        code = ask(self._server, self.pid)
        return subprocess.CompletedProcess([], code, *(path.read_text() for path in self._printed))


def ask(server: subprocess.Popen[str], what: object) -> int:
    """The answer of ``forks.py`` to a line."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(json.dumps(what) + "\n")
    server.stdin.flush()
    return int(server.stdout.readline())


@pytest.fixture(scope="session")
def start_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Job]]:
    """Starts ``bench ARGUMENTS``, or code with arguments, in a process in which nothing of fusebench is imported yet,
    but libraries are: for what is not about them."""
    folder, numbers = tmp_path_factory.mktemp("printed"), count()
    command = [sys.executable, str(Path(__file__).with_name("forks.py"))]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(*arguments: object, code: str | None = None, cwd: Path = ROOT, **environment: str) -> Job:
        printed = folder / f"{next(numbers)}.out", folder / f"{next(numbers)}.err"
        job = {
            "arguments": [str(argument) for argument in arguments],
            "code": code,
            "cwd": str(cwd),
            "environment": {**os.environ, **environment},
            "stdout": str(printed[0]),
            "stderr": str(printed[1]),
        }
        return Job(server, ask(server, job), printed)

    yield start
    server.communicate()


@pytest.fixture(scope="session")
def process(start_process: Callable[..., Job]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``bench ARGUMENTS``, or code with arguments, as ``start_process`` does, to its end."""
    return lambda *arguments, **how: start_process(*arguments, **how).wait()
