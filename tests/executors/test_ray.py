"""A real Ray: machines that come and go on one machine, each with a cache of its own."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.errors import StorageError, UsageError
from bench.executors.away import End
from bench.executors.ray import MOST_LOSSES, Hand, RayExecutor
from bench.processes import Ended
from bench.sweep.config import SweepConfig
from bench.sweep.execution import ON_THE_CPU, Execution
from bench.sweep.plan import make_plan
from bench.sweep.worker import Task, Workplace
from tests.plugins import fusion

SLOWLY = """
import time
time.sleep(3 if self.training else 0)
return (a - b).abs()
""".strip().replace("\n", "; ")

# For temporary files, as Python looks for another place where one is not there.
NO_SPACE = """
import errno, tempfile
def full(*given, **named):
    raise OSError(errno.ENOSPC, "No space left on device")
tempfile.mkdtemp = full
"""


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Three machines with one CPU each, the head among them."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    numbers = count()

    def machine(**environment: str) -> dict[str, Any]:
        number = next(numbers)
        own = {"FUSEBENCH_CACHE": str(tmp_path / f"cache-{number}"), "TMPDIR": str(tmp_path / f"tmp-{number}")}
        for folder in own.values():
            Path(folder).mkdir()
        return {"num_cpus": 1, "object_store_memory": 80 * 2**20, "env_vars": {**own, **environment}}

    made = Cluster(True, head_node_args={**machine(), "include_dashboard": False})
    made.add = lambda **environment: made.add_node(**machine(**environment))
    made.others = [made.add(), made.add()]
    monkeypatch.setenv("RAY_ADDRESS", made.address)
    yield made
    made.shutdown()


@pytest.mark.slow
def test_a_cluster_gives_the_records_of_one_machine(
    cluster: Any, sweep: Any, check_same: Any, plugin: Callable[..., Path], tmp_path: Path
) -> None:
    file = plugin(fusion("test_mine"), name="mine", load=False)
    wide = {"fusion": "test_mine,abs_diff,concat,pixel_distance", "seed": "0..5", "protocol": "finetune"}
    given = {**wide, "include": [str(file)], "save": "all", "tensorboard": True}
    code, there, printed = sweep(**given, executor="ray", jobs=None, out=str(tmp_path / "there"))
    assert code == 0, printed
    assert len(list((tmp_path / "there" / "tensorboard").iterdir())) == 24
    _, here, _ = sweep(**given, out=str(tmp_path / "here"))

    # run.json names the machine of a run on one.
    assert all(record["measured_on"]["machine"]["cpu"] for record in there)
    assert not any("measured_on" in record for record in here)

    check_same(here, tmp_path / "here", there, tmp_path / "there")
    # Computed by one machine, taken along by the others.
    assert all(len(list(tmp_path.glob(f"cache-{number}/warmups/*.json"))) == 1 for number in range(3))
    # The workers took their folders with them.
    assert list(tmp_path.glob("tmp-*/bench-*")) == []


@pytest.mark.slow
@pytest.mark.parametrize(("gone", "come"), [(1, 1), (2, 0)])
def test_a_machine_that_goes_away_costs_no_cell(
    cluster: Any, sweep: Any, plugin: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, gone: int, come: int
) -> None:
    """Also where the one that is left has fewer CPUs than there are workers."""
    file = plugin(fusion("test_slow", answer=SLOWLY), name="slow", load=False)
    hired = RayExecutor._hand_out
    since: list[float] = []

    def disturbed(self: RayExecutor, *given: Any) -> None:
        hired(self, *given)
        since.append(time.monotonic())
        if len(cluster.others) == 2 and since[-1] - since[0] > 20:
            for _ in range(gone):
                cluster.remove_node(cluster.others.pop(), allow_graceful=False)
            for _ in range(come):
                cluster.add()

    monkeypatch.setattr(RayExecutor, "_hand_out", disturbed)
    given = {"fusion": "test_slow", "include": [str(file)], "seed": "0..5", "executor": "ray", "jobs": None}
    code, records, printed = sweep(**given)
    assert code == 0, printed
    assert len(cluster.others) == 2 - gone
    assert Counter(record["status"] for record in records) == {"ok": 6}
    assert len({record["key"] for record in records}) == 6


@pytest.mark.slow
def test_a_machine_on_which_no_worker_starts_costs_no_cell(
    cluster: Any, sweep: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "sitecustomize.py").write_text(NO_SPACE)
    cluster.remove_node(cluster.others.pop())
    cluster.add(PYTHONPATH=os.pathsep.join([str(tmp_path / "full"), os.environ["PYTHONPATH"]]))
    code, records, printed = sweep(seed="0..7", executor="ray", jobs=None)
    assert code == 0, printed
    assert Counter(record["status"] for record in records) == {"ok": 8}
    told = r"a worker did not start, and its task goes to another one: on [\d.]+: OSError: .* No space left on device\n"
    assert re.search(told, capfd.readouterr().err)


@pytest.mark.slow
def test_what_a_cell_does_to_its_process_is_its_record(cluster: Any, sweep: Any, deadly: Path) -> None:
    names = ["test_dies", "test_sleeps", "abs_diff"]
    given = {"fusion": names, "include": [str(deadly)], "jobs": 2, "timeout": "60s"}
    code, records, _ = sweep(**given, executor="ray")
    assert code == 3
    assert {one["fusion"]: one["status"] for one in records} == {
        "test_dies": "killed",
        "test_sleeps": "timeout",
        "abs_diff": "ok",
    }
    told = {one["fusion"]: one["error"]["message"] for one in records if one["error"]}
    assert "SIGKILL" in told["test_dies"]
    assert told["test_sleeps"] == "not done within 60 s"


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace((), 1, tmp_path, tmp_path, ON_THE_CPU)


def test_an_address_is_a_host_and_a_port(place: Workplace) -> None:
    given = {"auto": {}, "local": {"address": "local"}, "10.0.0.1:6379": {"address": "10.0.0.1"}}
    given["head:7000"] = {"address": "head", "port": 7000}
    assert [RayExecutor(place, None, None, **one)._address for one in given.values()] == list(given)


class LostError(Exception):
    """Of a call to a worker whose machine is gone."""


@dataclass(eq=False)
class Reference:
    """To what a worker on a machine returns."""

    machine: str
    is_task: bool


def hand_on(machine: str, number: int) -> Hand:
    def method(is_task: bool) -> Any:
        return SimpleNamespace(remote=lambda *_: Reference(machine, is_task))

    return Hand(number, SimpleNamespace(work=method(True), news=method(False), close=method(False)))


def ray_of(get: Callable[[Reference], Any], wait: Callable[..., Any]) -> Any:
    return SimpleNamespace(
        exceptions=SimpleNamespace(RayError=LostError),
        is_initialized=lambda: True,
        put=lambda packed: packed,
        wait=wait,
        get=get,
        kill=lambda actor: None,
    )


def test_idle_workers_that_are_lost_with_their_machine_are_not_given_a_task(
    place: Workplace, tiny: Callable[..., SweepConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, hired = set[str](), count()

    def get(ref: Any) -> Any:
        if ref.machine in gone:
            raise LostError("the actor died")
        return End(Ended("error", "Done", ref.machine), "") if ref.is_task else []

    def hire(self: RayExecutor) -> Hand:
        return hand_on("first" if next(hired) < 4 else "second", next(self._numbers))

    executor = RayExecutor(place, None, None)
    executor._ray = ray_of(get, lambda refs, **_: (refs, []))
    monkeypatch.setattr(RayExecutor, "_hire", hire)
    # Four workers at first, of whom one is asked for more.
    monkeypatch.setattr(RayExecutor, "_most", lambda self: 1 if gone else 4)
    cells = make_plan(tiny(seed="0..6"), {}).cells
    told = []
    for _, results in executor.run([Task("cell", (one.cell,), (one.key,)) for one in cells], lambda: None):
        told.append(results[0]["error"]["message"])
        if len(told) == 4:
            gone.add("first")
    assert told == ["first"] * 4 + ["second"] * 3


@pytest.mark.parametrize("works", [True, False])
def test_a_worker_that_never_starts_is_put_down_to_its_machine_if_there_are_others(
    place: Workplace, tiny: Callable[..., SweepConfig], monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    """One machine loses its tasks at once; the other one, if it works, has done its own a little later."""
    clock, hired, free = [0.0], Counter[str](), ["other", "broken"]

    def get(ref: Reference) -> Any:
        if ref.machine == "other" and works:
            return End(Ended("error", "Done", ref.machine), "") if ref.is_task else []
        free.append(ref.machine)
        raise LostError("the actor died")

    def wait(refs: list[Reference], **_: object) -> tuple[list[Reference], list[Reference]]:
        clock[0] += 1
        return sorted(refs, key=lambda ref: ref.machine != "broken")[:1], []

    def hire(self: RayExecutor) -> Hand:
        machine = free.pop()
        hired[machine] += 1
        return hand_on(machine, next(self._numbers))

    executor = RayExecutor(place, None, None)
    executor._ray = ray_of(get, wait)
    monkeypatch.setattr(RayExecutor, "_hire", hire)
    monkeypatch.setattr(RayExecutor, "_most", lambda self: 2)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    cells = make_plan(tiny(seed="0..6"), {}).cells
    run = executor.run([Task("cell", (one.cell,), (one.key,)) for one in cells], lambda: None)
    if not works:
        with pytest.raises(UsageError, match="executor ray: no worker starts, LostError: the actor died"):
            next(run)
        assert hired.total() == MOST_LOSSES + 1
        return
    assert [results[0]["error"]["message"] for _, results in run] == ["other"] * 7
    assert hired == {"broken": 1, "other": 1}


def test_what_a_worker_raises_itself_is_told_and_counts(place: Workplace) -> None:
    """As one whose disk has no room for a warm-up."""
    error = LostError("ray::Post.work() with a traceback")
    error.cause = StorageError("/cache/x.pt: No space left on device")  # type: ignore[attr-defined]

    def get(ref: Reference) -> Any:
        raise error

    executor, hand = RayExecutor(place, None, None), hand_on("full", 0)
    executor._ray = ray_of(get, lambda refs, **_: (refs, []))
    assert executor._end(Reference("full", True), hand) == "StorageError: /cache/x.pt: No space left on device"
    assert hand.is_there


def test_after_one_did_not_start_workers_are_tried_alone_until_one_answers(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    executor, old = RayExecutor(place, None, None), hand_on("first", 0)
    executor._answered(old)
    for _ in range(3):
        assert not executor._is_of_the_task(hand_on("broken", next(executor._numbers)), "gone", [old])
    assert capsys.readouterr().err.count("a worker did not start") == 1
    running: Any = {1: (old, None)}
    assert not executor._may_hire(running)
    clock[0] += 60
    assert executor._may_hire(running)
    trial = hand_on("second", next(executor._numbers))
    running[2] = trial, None
    assert not executor._may_hire(running)
    executor._answered(trial)
    assert executor._may_hire(running)


def cluster_of(*machines: dict[str, float]) -> Any:
    return SimpleNamespace(nodes=lambda: [{"Alive": True, "Resources": one} for one in machines])


def test_a_machine_that_nobody_has_is_waited_for_aloud(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    executor = RayExecutor(replace(place, threads=4, execution=Execution("cuda")), None, None)
    # A GPU and the CPUs, but not on one machine.
    executor._ray = cluster_of({"CPU": 2, "GPU": 1}, {"CPU": 8})
    for _ in range(11):
        assert executor._most() == 1
        clock[0] += 10
    told = "no machine of the Ray cluster has a GPU and 4 CPUs; waiting for one\n"
    assert capsys.readouterr().err == 2 * told
    executor._ray = cluster_of({"CPU": 8, "GPU": 2})
    clock[0] += 100
    assert executor._most() == 2
    assert capsys.readouterr().err == ""


def test_on_a_machine_without_a_gpu_nothing_is_waited_for(place: Workplace) -> None:
    executor = RayExecutor(replace(place, execution=Execution("cuda")), None, None, address="local")
    executor._ray = cluster_of({"CPU": 8})
    with pytest.raises(UsageError, match="executor ray: this machine lacks a GPU and 1 CPU, and no other one joins"):
        executor._most()


def test_a_cluster_of_its_own_has_room_for_the_workers_and_is_not_the_one_that_runs_here(place: Workplace) -> None:
    asked = dict[str, Any]()
    executor = RayExecutor(replace(place, threads=2), 3, None, address="local")
    executor._ray = SimpleNamespace(
        is_initialized=lambda: False,
        init=lambda **given: asked.update(given),
        put=lambda packed: packed,
        shutdown=lambda: None,
        exceptions=SimpleNamespace(RayError=LostError),
    )
    assert list(executor.run([], lambda: None)) == []
    assert (asked["address"], asked["num_cpus"]) == ("local", 6)


def test_without_ray_it_says_what_to_install(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(UsageError, match=r"executor ray: ray cannot be imported .*pip install ray"):
        RayExecutor(place, None, None)
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
