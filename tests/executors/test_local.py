"""Worker processes: isolation, timeouts, agreement with a run in one process, and death of the main process."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bench.executors import local
from bench.executors.local import LocalExecutor
from bench.processes import Ended
from bench.records.folder import RunFolder
from bench.records.record import Attempt
from bench.sweep.config import SweepConfig
from bench.sweep.execution import ON_THE_CPU, Execution
from bench.sweep.plan import make_plan
from bench.sweep.worker import Result, Task, Workplace
from tests.processes import Job


def test_a_dead_or_endless_worker_costs_only_its_cell(sweep, deadly: Path) -> None:
    names = ["test_dies", "test_sleeps", "pixel_distance", "abs_diff"]
    code, records, _ = sweep(fusion=names, include=[str(deadly)], jobs=2, timeout="6s")
    assert code == 3
    status = {record["fusion"]: record["status"] for record in records}
    assert status == {"test_dies": "killed", "test_sleeps": "timeout", "pixel_distance": "ok", "abs_diff": "ok"}
    by_name = {record["fusion"]: record for record in records}
    assert "SIGKILL" in by_name["test_dies"]["error"]["message"]
    assert "6 s" in by_name["test_sleeps"]["error"]["message"]


def test_a_warm_up_that_takes_too_long_is_not_computed_by_its_cells(sweep) -> None:
    # Half a minute of computing, and a second to do it in.
    long = {"images": 30_000, "batch_size": 32}
    names = ["abs_diff", "pixel_distance"]
    given = {"fusion": names, "protocol": "finetune", "warmup_recipe": long, "jobs": 1, "warmup_timeout": "2s"}
    code, records, printed = sweep(**given)
    assert code == 3
    assert {one["fusion"]: one["status"] for one in records} == {"abs_diff": "timeout", "pixel_distance": "ok"}
    assert "its warm-up took too long: not done within 2 s" in printed


def test_workers_and_one_process_agree_to_the_bit(sweep, measured, tmp_path: Path) -> None:
    changes = {"fusion": ["abs_diff", "joint_transformer"], "protocol": "finetune", "seed": "0..1"}
    runs = [sweep(**changes, jobs=jobs, out=str(tmp_path / f"jobs{jobs}"))[1] for jobs in (1, 2)]
    one, two = ({record["key"]: measured(record) for record in records} for records in runs)
    assert len(one) == 4
    assert one == two


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace((), 1, tmp_path, tmp_path, ON_THE_CPU, warmup_timeout=50)


def test_the_timeout_is_one_of_a_cell(tiny: Callable[..., SweepConfig], place: Workplace) -> None:
    one, two = (planned.cell for planned in make_plan(tiny(seed="0..1"), {}).cells)
    executor = LocalExecutor(place, jobs=1, timeout=5)
    assert executor.limit(Task("cell", (one,), (one.key(),))) == 5
    assert executor.limit(Task("cell", (one, two), (one.key(), two.key()))) == 10
    assert executor.limit(Task("warmup", (one,), (one.key(),))) == 50
    assert LocalExecutor(place, jobs=1, timeout=None).limit(Task("cell", (one,), (one.key(),))) is None


class Done:
    """A worker that has done whatever it is sent; a seed from 1 on fails."""

    hired = 0

    def __init__(self, *given: object) -> None:
        self.output, self.is_stopped = "", False
        self.ended: Ended | None = None
        self.left: list[Result] | None = None
        Done.hired += 1

    def send(self, task: Task, limit: float | None) -> None:
        assert not self.is_stopped
        self.left = [{"status": "error" if task.cell.seed else "ok", "seed": task.cell.seed}]

    def poll(self) -> list[Result] | Ended | None:
        left, self.left = self.left, None
        return left

    def stop(self) -> None:
        self.is_stopped = True


@pytest.mark.parametrize(("device", "hired"), [("cuda", 3), ("cpu", 1)])
def test_on_a_gpu_a_worker_does_nothing_after_a_cell_that_failed(
    tiny: Callable[..., SweepConfig], place: Workplace, monkeypatch: pytest.MonkeyPatch, device: str, hired: int
) -> None:
    monkeypatch.setattr(local, "Worker", Done)
    monkeypatch.setattr(Done, "hired", 0)
    tasks = [Task("cell", (one.cell,), (one.key,)) for one in make_plan(tiny(seed="0..3"), {}).cells]
    there = replace(place, execution=Execution(device))
    ends = LocalExecutor(there, jobs=1, timeout=None).run(tasks, lambda: None)
    assert [results[0]["status"] for _, results in ends] == ["ok", "error", "error", "error"]
    assert Done.hired == hired


def test_what_is_done_is_handed_over_before_an_interrupt(
    tiny: Callable[..., SweepConfig], place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "Worker", Done)
    tasks = [Task("cell", (one.cell,), (one.key,)) for one in make_plan(tiny(seed="0..1"), {}).cells]
    ends = LocalExecutor(place, jobs=2, timeout=None).run(tasks, interrupt)
    assert [next(ends)[1][0]["seed"] for _ in tasks] == [0, 1]
    with pytest.raises(KeyboardInterrupt):
        next(ends)


@pytest.mark.parametrize(("polls", "kept"), [(1, ["ok"]), (3, ["ok"]), (999, ["ok", "killed"])])
def test_a_signal_to_the_whole_job_is_no_failure_of_the_cells_whose_workers_it_ends_first(
    tiny: Callable[..., SweepConfig], place: Workplace, monkeypatch: pytest.MonkeyPatch, polls: int, kept: list[str]
) -> None:
    class Killed(Done):
        """It has done seed 0, and is killed at any other one."""

        def poll(self) -> list[Result] | Ended | None:
            if not self.left or self.left[0]["status"] == "ok":
                return super().poll()
            self.ended = Ended("killed", "ProcessEnded", "SIGTERM")
            return self.ended

    def interrupt() -> None:
        nonlocal polls
        polls -= 1
        if not polls:
            raise KeyboardInterrupt

    monkeypatch.setattr(local, "Worker", Killed)
    monkeypatch.setattr(local, "SIGNAL_SECONDS", 0.1)
    monkeypatch.setattr(local, "POLL_SECONDS", 0.01)
    tasks = [Task("cell", (one.cell,), (one.key,)) for one in make_plan(tiny(seed="1,0"), {}).cells]
    found = []
    with suppress(KeyboardInterrupt):
        for _, results in LocalExecutor(place, jobs=2, timeout=None).run(tasks, interrupt):
            found.append(results[0]["status"])
    assert found == kept


COMMAND = (
    "run --fusion abs_diff,pixel_distance,single_image --eval color --seed 0..2 --protocol scratch"
    " --test-pairs 32 --recipe train_pairs=96,batch_size=16,val_pairs=32 --jobs 2"
).split()
CELLS = 9


def descendants(parent: int) -> list[int]:
    """The processes below a command: the one that does its work, those that compute, and what forks them."""
    found = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
    children = [int(line) for line in found.stdout.split()]
    return children + [below for child in children for below in descendants(child)]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()


def wait_for_records(out: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if len(RunFolder(out).records(Attempt)) >= count:
            return
        time.sleep(0.05)
    pytest.fail(f"no {count} records within a minute")


@pytest.mark.slow  # kills are drawn in tests/faults
def test_a_killed_run_and_an_interrupted_one_lose_nothing_and_leave_no_workers(
    start_process: Callable[..., Job], written, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    main = start_process(*COMMAND, "--out", out)
    wait_for_records(out, 2)
    below = descendants(main.pid)
    assert len(below) >= 4
    os.kill(main.pid, signal.SIGKILL)
    main.wait()
    saved = written(out)
    deadline = time.monotonic() + 10
    while any(map(alive, below)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, below))
    main = start_process(*COMMAND, "--out", out)
    wait_for_records(out, len(saved) + 1)
    os.kill(main.pid, signal.SIGINT)
    ended = main.wait()
    assert ended.returncode == 130
    assert "Resume with: bench run --fusion abs_diff" in ended.stderr
    assert "Traceback" not in ended.stderr
    after = written(out)
    assert after[: len(saved)] == saved
    assert len(saved) < len(after) == len({record["key"] for record in after}) < CELLS


@pytest.mark.slow
def test_ten_kills_at_any_moment_give_the_table_of_an_undisturbed_run(
    process: Callable[..., subprocess.CompletedProcess[str]],
    start_process: Callable[..., Job],
    measured,
    written,
    tmp_path: Path,
) -> None:
    import random

    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    first = process(*COMMAND, "--out", undisturbed)
    assert first.returncode == 0, first.stderr
    moments = random.Random(0)
    for number in range(10):
        main = start_process(*COMMAND, "--out", disturbed)
        wait_for_records(disturbed, number)
        time.sleep(moments.uniform(0.0, 4.0))
        below = descendants(main.pid)[1:]
        if number % 2 and below:
            os.kill(moments.choice(below), signal.SIGKILL)
            time.sleep(moments.uniform(0.0, 4.0))
        os.kill(main.pid, signal.SIGKILL)
        main.wait()
    last = process(*COMMAND, "--out", disturbed)
    assert last.returncode == 0, last.stderr
    quiet, loud = (
        {record["key"]: measured(record) for record in written(out) if record["status"] == "ok"}
        for out in (undisturbed, disturbed)
    )
    assert loud == quiet
    ok = [record.key for record in RunFolder(disturbed).records(Attempt) if record.status == "ok"]
    assert len(ok) == len(set(ok)) == CELLS
    tables = [
        process("report", out, "--cost", "params,macs").stdout.split("## Provenance")[0]
        for out in (undisturbed, disturbed)
    ]
    assert tables[0] == tables[1] != ""
