"""Each check has a result, whatever a plug-in does to the process that runs it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bench.conformance import run as module
from bench.conformance.display import CheckDisplay
from bench.conformance.run import run_suite
from bench.conformance.subject import FIRST, Result, Subject
from bench.conformance.tasks import Checking, Loading
from bench.errors import UsageError
from bench.processes import Ended
from tests.plugins import fusion

SUBJECT = Subject("fusion", "odd", "resnet18", ("builds", "shape", "finite", "signs", "device"))
DEAD = Ended("killed", "ProcessEnded", "the worker process ended (exit code 0)")
LATE = Ended("timeout", "TimeoutError", "not done within 60 s")
FAILS = Ended("error", "Whatever", "wrong")


class Process:
    """Takes the place of a process: does at once what the test says that its tasks come to."""

    started: int
    outcomes: dict[str, Ended]
    loads: Iterator[Any]

    def __init__(self, *prepared: object) -> None:
        type(self).started += 1

    def send(self, task: Loading | Checking, limit: float) -> None:
        assert limit == 60
        if isinstance(task, Loading):
            self._outcome = next(self.loads)
        else:
            self._outcome = self.outcomes.get(task.check) or task.subject.result(task.check)

    def poll(self) -> Any:
        return self._outcome

    def stop(self) -> None:
        pass


def run(outcomes: dict[str, Ended], *loads: Any) -> tuple[list[Result], str]:
    """The results of the suite and what it showed.

    Args:
        loads: what comes of loading the plug-in, time after time; by default its subject.
    """
    Process.started, Process.outcomes = 0, outcomes
    Process.loads = iter(loads) if loads else repeat([SUBJECT])
    console = Console(file=StringIO(), width=200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Worker", Process)
        results = list(run_suite(Loading(Path("odd.py")), 60, CheckDisplay(console)))
    return results, console.file.getvalue()  # type: ignore[attr-defined]


@given(st.dictionaries(st.sampled_from(SUBJECT.checks), st.sampled_from([DEAD, LATE, FAILS]), max_size=4))
@settings(max_examples=40, deadline=None)
def test_each_check_has_a_result_and_a_process_that_ended_is_a_failure(outcomes: dict[str, Ended]) -> None:
    results, shown = run(outcomes)
    last = next((n for n, check in enumerate(FIRST, 1) if check in outcomes), len(SUBJECT.checks))
    assert [one.check for one in results] == list(SUBJECT.checks[:last])
    assert [one.check for one in results if one.problem] == [one.check for one in results if one.check in outcomes]
    failed = [one for one in results if one.problem]
    assert all(outcomes[one.check].message in one.problem for one in failed)
    # Another process for each that ended, but for the last one where nothing is left to run.
    assert Process.started == 1 + sum(one is not results[-1] for one in failed)
    names = ", ".join(one.check for one in failed)
    assert f"[1/1] fusion odd on resnet18: {f'failed {names}' if names else '5 checks'}, " in shown


@pytest.mark.parametrize("again", [DEAD, UsageError("odd.py fails to load: no luck")])
def test_a_plug_in_that_loads_only_once_fails_what_is_left(again: Any) -> None:
    results, _ = run({"finite": DEAD}, [SUBJECT], again)
    assert [one.check for one in results if one.problem] == ["finite", "signs", "device"]
    assert "odd.py fails to load: " in results[-1].problem


def test_a_plug_in_that_ends_the_process_at_its_import_is_bad_input() -> None:
    with pytest.raises(UsageError, match=r"odd\.py fails to load: the worker process ended \(exit code 0\)"):
        run({}, DEAD)


INTERRUPTED = fusion("odd", "raise KeyboardInterrupt")


def test_an_interrupt_in_the_process_that_checks_is_the_plug_ins(
    plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN)
    whole, on_one = Loading(plugin(INTERRUPTED), ("mobilenetv3_small_32",), ("o*",)).perform()
    assert [str(whole), str(on_one)] == ["fusion odd", "fusion odd on mobilenetv3_small_32"]
    assert Checking(on_one, "shape").perform().problem.startswith("raises KeyboardInterrupt in line")


@pytest.mark.parametrize(
    ("source", "only", "said"),
    [
        ("import no_such_module", (), "fails to load: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import sys; sys.exit(0)", (), "SystemExit: it called for the program to exit, with 0"),
        ("", (), "registers nothing; expected a class decorated as one of fusion, "),
        (INTERRUPTED, ("even",), "nothing here is called 'even'; there is odd"),
    ],
)
def test_what_cannot_be_tested_is_bad_input(
    source: str, only: tuple[str, ...], said: str, plugin: Callable[..., Path]
) -> None:
    refused = Loading(plugin(source, load=False), (), only).perform()
    assert isinstance(refused, UsageError)
    assert said in str(refused)


def test_the_parent_imports_neither_torch_nor_the_plug_in() -> None:
    """It shows a first line soon, and nothing that a plug-in does can end it."""
    code = "import bench.conformance.run, sys; print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
