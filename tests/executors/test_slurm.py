"""SLURM: what becomes of tasks as jobs end in all their ways, and a real queue of one node (``make slurm-test``)."""

from __future__ import annotations

import errno
import pickle
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import UsageError
from bench.executors import slurm, slurm_queue
from bench.executors.away import End
from bench.executors.slurm import Load, SlurmExecutor
from bench.executors.slurm_job import begun, result_of
from bench.processes import Ended
from bench.sweep.config import SweepConfig
from bench.sweep.execution import ON_THE_CPU
from bench.sweep.plan import make_plan
from bench.sweep.worker import Task, Workplace
from tests.plugins import fusion

Tiny = Callable[..., SweepConfig]
HAS_SLURM = shutil.which("sbatch") is not None
real = [pytest.mark.slow, pytest.mark.skipif(not HAS_SLURM, reason="no SLURM here: .ci/start_slurm")]


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlurmExecutor:
    """One that hands in nothing, for jobs of at most three cells."""
    monkeypatch.setattr(SlurmExecutor, "_submitit", lambda self: None)
    place = Workplace((), 1, tmp_path, tmp_path, ON_THE_CPU)
    made = SlurmExecutor(place, None, 7, time="2h", cells_per_job=3)
    made._folder.mkdir(parents=True)
    return made


@pytest.fixture
def tasks(tiny: Tiny) -> dict[int, Task]:
    """Four fusions of each of two seeds, those of a seed not side by side."""
    cells = make_plan(tiny(fusion="abs_diff,concat,cosine,pixel_distance", seed="0..1"), {}).cells
    return {
        number: Task("cell", (one.cell,), (one.key,)) for number, one in enumerate(sorted(cells, key=lambda c: c.key))
    }


def test_a_job_gets_cells_of_the_same_data(executor: SlurmExecutor, tasks: dict[int, Task]) -> None:
    shares = executor._shares(tasks)
    assert sorted(number for share in shares for number in share) == list(tasks)
    assert [len(share) for share in shares] == [3, 3, 2]
    assert [len({task.cell.seed for task in share.values()}) for share in shares] == [1, 2, 1]
    # What was lost once does not take others with it.
    executor._losses[4] = 1
    assert [len(share) for share in executor._shares(tasks) if 4 in share] == [1]


def test_a_queue_is_not_given_more_than_it_takes(
    executor: SlurmExecutor, tasks: dict[int, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_in = list[int]()

    class Queue:
        def batch(self) -> Any:
            return nullcontext()

        def submit(self, work: Any, folder: str, numbers: list[int]) -> Any:
            handed_in.extend(numbers)
            return SimpleNamespace(job_id=str(numbers))

    monkeypatch.setattr(slurm, "MOST_LOADS", 2)
    executor._queue = Queue()
    waiting = dict(tasks)
    loads = executor._submit(waiting, [])
    assert [len(load.tasks) for load in loads] == [3, 3]
    assert executor._submit(waiting, loads) == []
    assert len(waiting) == 2
    assert [len(load.tasks) for load in executor._submit(waiting, loads[:1])] == [2]
    assert sorted(handed_in) == list(tasks)
    assert waiting == {}


@pytest.mark.parametrize(
    ("state", "times", "statuses"),
    [
        ("NODE_FAIL", 1, [None, None, None]),
        ("NODE_FAIL", 3, [None, "killed", None]),
        (slurm.GONE, 3, [None, "killed", None]),
        ("CANCELLED", 1, ["killed", "killed", "killed"]),
        ("TIMEOUT", 1, [None, None, None]),
        ("TIMEOUT", 3, [None, "timeout", None]),
    ],
)
def test_the_cell_that_was_at_work_answers_for_the_end_of_its_job(
    executor: SlurmExecutor, tasks: dict[int, Task], state: str, times: int, statuses: list[str | None]
) -> None:
    load = Load("7_0", {number: tasks[number] for number in (0, 1, 2)})
    begun(executor._folder, 1).touch()
    for _ in range(times):
        found = executor._lost(load, state)
    assert [end and end.status for end in found.values()] == statuses


def test_the_last_cell_of_a_job_that_others_used_up_is_done_again(
    executor: SlurmExecutor, tasks: dict[int, Task]
) -> None:
    load = Load("7_0", {number: tasks[number] for number in (0, 1, 2)})
    del load.tasks[0], load.tasks[1]
    begun(executor._folder, 2).touch()
    assert executor._lost(load, "TIMEOUT") == {2: None}
    alone = executor._lost(Load("7_1", {3: tasks[3]}), "TIMEOUT")
    assert alone[3] is not None
    assert alone[3].status == "timeout"


class Full:
    def batch(self) -> Any:
        return nullcontext()

    def submit(self, *_: Any) -> Any:
        raise RuntimeError("Socket timed out on send/recv operation")


def test_a_queue_that_refuses_later_jobs_keeps_those_it_has(
    executor: SlurmExecutor, tasks: dict[int, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    executor._queue = Full()
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    waiting = {number: tasks[number] for number in (3, 4)}
    assert executor._submit(waiting, [Load("7_0", {0: tasks[0]})]) == []
    assert sorted(waiting) == [3, 4]
    # It is not asked again at once, and for some time also with no job in the queue, as between warm-ups and cells.
    assert executor._submit(waiting, []) == []
    clock[0] += slurm.REFUSED_SECONDS + 1
    assert executor._submit(waiting, []) == []
    assert sorted(waiting) == [3, 4]
    clock[0] += slurm.PATIENCE_SECONDS
    with pytest.raises(UsageError, match=r"sbatch: .*Socket timed out"):
        executor._submit(waiting, [])


def test_a_queue_that_refuses_the_first_jobs_is_not_asked_again(
    executor: SlurmExecutor, tasks: dict[int, Task]
) -> None:
    executor._queue = Full()
    with pytest.raises(UsageError, match=r"sbatch: .*Socket timed out"):
        executor._submit(tasks, [])


def test_jobs_that_are_done_before_it_is_asked_again_were_taken(
    executor: SlurmExecutor, tasks: dict[int, Task]
) -> None:
    waiting = dict(tasks)
    executor._queue = SimpleNamespace(batch=nullcontext, submit=lambda *_: SimpleNamespace(job_id="7"))
    assert executor._submit(waiting, [])
    executor._queue, waiting = Full(), {3: tasks[3]}
    assert executor._submit(waiting, []) == []
    assert sorted(waiting) == [3]


def test_jobs_that_never_begin_are_not_handed_in_for_ever(executor: SlurmExecutor, tasks: dict[int, Task]) -> None:
    load = Load("7", {0: tasks[0], 1: tasks[1]})
    for _ in range(slurm.MOST_LOSSES):
        found = executor._lost(load, "FAILED")
    assert [end and end.status for end in found.values()] == ["killed", "killed"]


def test_a_job_is_over_when_its_last_words_had_time_to_arrive(
    executor: SlurmExecutor, tasks: dict[int, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads = [Load(job, {0: tasks[0]}) for job in ("1_0", "1_1", "2")]
    monkeypatch.setattr(slurm_queue, "_told", lambda *words: "1_0|RUNNING\n1_1|COMPLETED\n")
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    assert executor._ended(loads) == []
    clock[0] += slurm.GRACE_SECONDS + 1
    assert executor._ended(loads) == [(loads[1], "COMPLETED"), (loads[2], slurm.GONE)]
    # SLURM that does not answer has not lost its jobs.
    monkeypatch.setattr(slurm_queue, "_told", lambda *words: None)
    assert executor._ended(loads) == []


def test_a_disk_that_fails_for_a_moment_costs_no_result(
    executor: SlurmExecutor, tasks: dict[int, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    end = End(Ended("killed", "WorkerLost", "gone"), "printed")
    result_of(executor._folder, 0).write_bytes(pickle.dumps(end))

    def fail(self: Path, *_: Any, **options: Any) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fail)
        assert executor._end(0) == end
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", fail)
        assert executor._end(0) == end
    # A job that is queued again does not do it again.
    assert result_of(executor._folder, 0).exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [({"time": "soon"}, "time = 'soon' is not a duration"), ({"cells_per_job": 0}, "cells_per_job = 0")],
)
def test_wrong_parameters_are_bad_input(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"executor slurm: {message}"):
        SlurmExecutor(Workplace((), 1, tmp_path, tmp_path, ON_THE_CPU), None, None, **given)


def jobs() -> list[str]:
    told = subprocess.run(["squeue", "--me", "-h", "-r", "-o", "%i"], capture_output=True, text=True, check=True)
    return told.stdout.split()


class TestQueue:
    pytestmark = real

    def test_a_queue_gives_the_records_of_one_machine(
        self, sweep: Any, check_same: Any, plugin: Callable[..., Path], tmp_path: Path
    ) -> None:
        file = plugin(fusion("test_mine"), name="mine", load=False)
        wide = {"fusion": "test_mine,abs_diff,concat,pixel_distance", "seed": "0..5", "protocol": "finetune"}
        given = {**wide, "include": [str(file)], "save": "all"}
        there = {**given, "executor": "slurm:cells_per_job=3:time=20m", "jobs": None, "out": str(tmp_path / "there")}
        _, here, _ = sweep(**given, out=str(tmp_path / "here"))
        code, records, printed = sweep(**there)
        assert code == 0, printed
        check_same(here, tmp_path / "here", records, tmp_path / "there")
        assert not (tmp_path / "there" / "slurm").exists()

    def test_a_job_that_is_queued_again_loses_and_doubles_nothing(
        self, sweep: Any, disturbed: Callable[[str], None]
    ) -> None:
        disturbed("scontrol requeue")
        code, records, printed = sweep(fusion="abs_diff", seed="0..2", executor="slurm:cells_per_job=3", jobs=None)
        assert code == 0, printed
        assert Counter(record["status"] for record in records) == {"ok": 3}
        assert len({record["key"] for record in records}) == 3

    def test_the_cells_of_a_cancelled_job_are_killed_and_run_again(
        self, sweep: Any, disturbed: Callable[[str], None]
    ) -> None:
        disturbed("scancel")
        given = {"fusion": "abs_diff", "seed": "0..2", "executor": "slurm:cells_per_job=3", "jobs": None}
        code, records, _ = sweep(**given)
        assert code == 3
        ends = Counter(record["status"] for record in records)
        assert ends["killed"] >= 1
        assert ends.total() == 3
        code, records, _ = sweep(**given)
        assert code == 0
        assert Counter(record["status"] for record in records)["ok"] == 3
        until = time.monotonic() + 60
        while jobs() and time.monotonic() < until:
            time.sleep(0.5)
        assert jobs() == []

    def test_what_the_queue_does_not_take_is_bad_input(self, sweep: Any, tmp_path: Path) -> None:
        out = tmp_path / "run"
        sweep(fusion="abs_diff", seed="0", out=str(out))
        before = (out / "run.json").read_bytes()
        with pytest.raises(UsageError, match=r"executor slurm: sbatch: .*invalid partition"):
            sweep(fusion="concat", seed="0", out=str(out), executor="slurm:partition=nowhere", jobs=None)
        assert (out / "run.json").read_bytes() == before


@pytest.fixture
def disturbed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Does something to the first job, once it has begun a cell."""

    def plan(words: str) -> None:
        told, done = SlurmExecutor._tell_news, list[str]()

        def disturb(self: SlurmExecutor) -> None:
            told(self)
            if not done and list(self._folder.glob("*.begun")):
                done.extend(jobs())
                subprocess.run([*words.split(), done[0]], check=True)

        monkeypatch.setattr(SlurmExecutor, "_tell_news", disturb)

    return plan
