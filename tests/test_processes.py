"""Processes that run code of others: whatever it does to its process is an outcome, and what it starts ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import processes
from bench.printed import KEPT_BYTES
from bench.processes import Ended, Worker, how_ended, state_of

OS = "__import__('os')"


@pytest.fixture
def worker() -> Iterator[Callable[[], Worker]]:
    """Starts processes that evaluate Python expressions."""
    started: list[Worker] = []

    def start() -> Worker:
        started.append(Worker(int, (), eval))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def outcome(one: Worker, task: str, limit: float | None = None) -> Any:
    one.send(task, limit)
    while (found := one.poll()) is None:
        one.wait(0.05)
    return found


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 5
    while state_of(pid) not in ("", "Z") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert state_of(pid) in ("", "Z")


def test_it_does_one_task_after_the_other(worker: Callable[[], Worker]) -> None:
    one = worker()
    assert [outcome(one, f"[{number}] * 2") for number in range(3)] == [[0, 0], [1, 1], [2, 2]]
    assert one.ended is None


@pytest.mark.parametrize(
    ("task", "status", "message"),
    [
        (f"{OS}._exit(0)", "killed", "the worker process ended (exit code 0)"),
        (f"{OS}._exit(7)", "killed", "the worker process ended (exit code 7)"),
        (f"{OS}.kill({OS}.getpid(), 9)", "killed", "the worker process ended (SIGKILL)"),
        (f"{OS}.kill({OS}.getpid(), 19)", "killed", "the worker process was stopped by a signal and did not go on"),
        (f"{OS}.closerange(3, 100)", "killed", "the worker process ended"),
        ("exit(0)", "error", "0"),
        ("1 / 0", "error", "division by zero"),
        ("lambda: 0", "error", "pickle"),
        ("__import__('time').sleep(60)", "timeout", "not done within 0.2 s"),
    ],
)
def test_however_it_ends_is_an_outcome(
    worker: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch, task: str, status: str, message: str
) -> None:
    monkeypatch.setattr(processes, "STOPPED_SECONDS", 0.1)
    one = worker()
    found = outcome(one, task, limit=0.2 if status == "timeout" else 30)
    assert isinstance(found, Ended)
    assert (found.status, message in found.message) == (status, True), found
    assert state_of(one.pid) == ""


def test_it_has_the_environment_of_its_start_and_nothing_else_of_the_server(
    worker: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = worker()
    monkeypatch.setenv("TEST_OF_PROCESSES", "here")
    second = worker()
    asked = f"[{OS}.environ.get(name) for name in ('TEST_OF_PROCESSES', 'PYTHONSAFEPATH', 'PYTHONPATH')]"
    paths = [os.environ.get(name) for name in ("PYTHONSAFEPATH", "PYTHONPATH")]
    assert outcome(first, asked) == [None, *paths]
    assert outcome(second, asked) == ["here", *paths]
    assert outcome(second, "__import__('sys').path") == sys.path


def test_when_what_forks_it_dies_it_ends_and_the_next_one_works(worker: Callable[[], Worker]) -> None:
    one = worker()
    server = outcome(one, f"{OS}.getppid()")
    assert server != os.getpid()
    found = outcome(one, f"{OS}.kill({server}, 9) or __import__('time').sleep(60)")
    assert isinstance(found, Ended)
    assert found.status == "killed"
    assert outcome(worker(), "1") == 1
    wait_for_end(one.pid)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Callable[..., tuple[str, str]]:
    """Evaluates a Python expression in a worker of a new process in a folder of its own; returns what is printed."""
    code = """
import sys
from bench.processes import Worker
one = Worker(int, (), eval)
one.send(sys.argv[1])
while (found := one.poll()) is None:
    one.wait(0.05)
print(found)
one.stop()
"""

    def run(expression: str, **environment: str) -> tuple[str, str]:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, expression],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(processes.__file__).parents[1]), **environment},
        )
        return done.stdout, done.stderr

    return run


def test_a_module_in_the_current_folder_takes_the_place_of_none(elsewhere: Any, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('the wrong one')")
    assert elsewhere("'sklearn.metrics' in __import__('sys').modules") == ("True\n", "")


def test_temporary_files_may_lie_in_a_folder_with_a_long_path(elsewhere: Any, tmp_path: Path) -> None:
    long = tmp_path / ("long" * 30)
    long.mkdir()
    expression = "__import__('tempfile').gettempdir()"
    assert elsewhere(expression, TMPDIR=str(long)) == (f"{long}\n", "")


def test_the_start_does_not_count_against_a_task(worker: Callable[[], Worker]) -> None:
    slow = Worker(time.sleep, (0.5,), eval)
    try:
        assert outcome(slow, "1", limit=0.3) == 1
    finally:
        slow.stop()


def test_what_is_suspended_with_the_process_that_polls_does_not_count(
    worker: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SUSPENDED_SECONDS", 0.5)
    one = worker()
    assert outcome(one, "1") == 1
    time.sleep(0.6)
    one.send("__import__('time').sleep(60)", limit=1.5)
    assert one.poll() is None
    assert one.seconds > 0
    os.kill(one.pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(one.pid, signal.SIGCONT)
    assert one.poll() is None
    assert one.seconds < 0.5
    while (found := one.poll()) is None:
        one.wait(0.05)
    assert found.message == "not done within 1.5 s"


def test_whoever_takes_the_last_memory_is_ended(worker: Callable[[], Worker], monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = worker(), worker()
    assert outcome(small, "1") == outcome(large, "globals().update(held='x' * 50_000_000) or 1") == 1
    monkeypatch.setattr(processes, "available_bytes", lambda: 0)
    assert small.poll() is None
    found = large.poll()
    assert isinstance(found, Ended)
    assert found.status == "oom"
    assert "GiB of memory were left" in found.message


def test_a_copy_of_it_does_none_of_its_work_and_ends_with_it(worker: Callable[[], Worker], tmp_path: Path) -> None:
    one = worker()
    note = f"open({str(tmp_path / 'pid')!r}, 'w').write(str({OS}.getpid()))"
    assert outcome(one, f"{OS}.fork() or {note} and __import__('time').sleep(60)") > 0
    assert outcome(one, "'next'") == "next"
    deadline = time.monotonic() + 5
    while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    one.stop()
    wait_for_end(int((tmp_path / "pid").read_text()))


def test_a_flood_of_output_keeps_its_ends(worker: Callable[[], Worker]) -> None:
    one = worker()
    assert (
        outcome(one, "print('\\x1b[31mfirst') or [print('x' * 100_000) for _ in range(50)] and print('last') or 1") == 1
    )
    deadline = time.monotonic() + 5
    while not one.output.endswith("last") and time.monotonic() < deadline:
        time.sleep(0.01)
    assert one.output.startswith("\\x1b[31mfirst")
    assert one.output.endswith("last")
    assert "bytes left out" in one.output
    assert len(one.output) < 2 * KEPT_BYTES


def test_exit_codes_and_signals_have_names() -> None:
    assert [how_ended(code) for code in (0, 3, -9, -200)] == ["exit code 0", "exit code 3", "SIGKILL", "signal 200"]
    assert state_of(os.getpid()) == "R"
