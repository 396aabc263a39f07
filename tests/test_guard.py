"""What is announced of the code that runs in the main process, and what is left out of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import guard
from bench.fusion import FUSIONS
from bench.guard import EndedTheProgramError, EndsTheProgramError, building, running
from bench.sweep.outcome import failure_of


@pytest.fixture
def notes() -> Iterator[int]:
    """The end of the pipe at which the supervisor reads."""
    read, write = os.pipe()
    guard.supervise(write, {"fusion bad": "it ended the program (exit code 0)"})
    yield read
    guard.supervise(write, {})
    guard._Supervised.notes = None
    os.environ.pop(guard.LEFT_OUT, None)
    os.close(read)
    os.close(write)


def test_code_of_others_is_announced_and_our_own_is_not(notes: int) -> None:
    others = type("Others", (), {"__module__": "_fusebench_plugins.include_0123.mine"})
    with building(FUSIONS.get("abs_diff"), "fusion abs_diff"):
        pass
    with building(others, "fusion mine"):
        pass
    assert os.read(notes, 100) == b"fusion mine\n\n"


def test_what_ended_the_program_does_not_run_again_and_is_killed(notes: int) -> None:
    with pytest.raises(EndedTheProgramError) as raised, running("fusion bad"):
        pytest.fail("it ran")
    assert failure_of(raised.value)["status"] == "killed"
    assert failure_of(EndsTheProgramError("SystemExit"))["status"] == "error"


def test_prints_go_to_stderr_and_the_folder_stays(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with running("plug-in a.py"):
        print("hello")
        os.chdir("/")
    assert capsys.readouterr() == ("", "hello\n")
    assert Path.cwd() == tmp_path
