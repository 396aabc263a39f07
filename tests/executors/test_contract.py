"""Executors, that of a plug-in among them: where cells run changes no record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.records.folder import RunFolder

REMOTE = '''
import pickle
import subprocess
import sys

from bench.executors import Executor, register_executor

JOB = """
import pickle, sys
from bench.sweep import worker
place, task = pickle.loads(sys.stdin.buffer.read())
worker.settle(place)
results = worker.perform(task)
sys.stdout.buffer.write(pickle.dumps(results))
"""


@register_executor
class Remote(Executor):
    """One fresh interpreter per task, which is given nothing but bytes."""

    name = "test_remote"

    def __init__(self, workplace, jobs, timeout, log: str = "log") -> None:
        super().__init__(workplace, jobs, timeout)
        self.log = workplace.run / log

    def run(self, tasks, on_poll):
        for task in tasks:
            on_poll()
            job = pickle.dumps((self.workplace, task))
            done = subprocess.run([sys.executable, "-c", JOB], input=job, stdout=subprocess.PIPE, check=True)
            self.log.write_text(f"{task} after {self.timeout}")
            yield task, pickle.loads(done.stdout)
'''

FORGETFUL = '''
from bench.executors import Executor, register_executor


@register_executor
class Forgetful(Executor):
    """Ends before its work is done."""

    name = "test_forgetful"

    def run(self, tasks, on_poll):
        yield from ()
'''


def test_a_plug_in_runs_cells_elsewhere(sweep, measured, plugin: Callable[..., Path], tmp_path: Path) -> None:
    _, here, _ = sweep(out=str(tmp_path / "here"))
    file = plugin(REMOTE, name="remote", load=False)
    given = {"executor": "test_remote:log=done.txt", "include": [str(file)], "jobs": None, "timeout": "90s"}
    code, there, printed = sweep(**given, observer="profile")
    assert code == 0
    assert [measured(record) for record in there] == [measured(record) for record in here]
    assert (tmp_path / "run" / "done.txt").read_text().endswith("seed 0 after 90.0")
    assert "ms a step of 16 pairs" in printed


def test_a_cell_that_an_executor_loses_is_a_record_and_is_run_again(sweep, plugin: Callable[..., Path]) -> None:
    plugin(FORGETFUL, name="forgetful")
    code, (record,), printed = sweep(executor="test_forgetful", jobs=1)
    assert (code, record["status"]) == (3, "killed")
    assert "executor test_forgetful ended without its result" in printed
    code, (_, again), _ = sweep()
    assert (code, again["status"]) == (0, "ok")


def test_no_jobs_is_short_for_inline(sweep, measured, tmp_path: Path) -> None:
    runs = {"short": {"jobs": 0}, "long": {"executor": "inline", "jobs": None}, "both": {"executor": "inline"}}
    found = [sweep(**changes, out=str(tmp_path / name))[1] for name, changes in runs.items()]
    assert [[measured(record) for record in records] for records in found[1:]] == [[measured(found[0][0])]] * 2
    assert {RunFolder(tmp_path / name).header()["config"]["jobs"] for name in runs} == {0}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"executor": "lokal", "jobs": 1}, "unknown executor 'lokal': did you mean local"),
        ({"executor": "local:port=3", "jobs": 1}, "executor local:port=3: unknown parameter 'port'; allowed: none"),
        ({"executor": "test_forgetful", "jobs": 0}, "--jobs: .*0 is short for executor inline"),
    ],
)
def test_a_wrong_executor_is_bad_input(
    sweep, plugin: Callable[..., Path], tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    plugin(FORGETFUL, name="forgetful")
    with pytest.raises(UsageError, match=message):
        sweep(**changes)
    assert not (tmp_path / "run").exists()
