"""A worker away from the sweep: what travels there and back, without the disk of the driver."""

from __future__ import annotations

import os
import pickle
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest

from bench import guard
from bench.cache_folder import cache_folder
from bench.errors import UsageError
from bench.executors import away, parcel
from bench.executors.away import Delivery, End, Post, luggage, pack_start, received
from bench.executors.contract import Executor
from bench.executors.tasks import start_of
from bench.fusion import FUSIONS
from bench.kept import writing
from bench.observers import choose_observers
from bench.observers.contract import folder_end
from bench.processes import Ended
from bench.sweep import worker
from bench.sweep.config import SweepConfig
from bench.sweep.execution import ON_THE_CPU, Execution
from bench.sweep.plan import make_plan
from bench.sweep.worker import Task, Workplace
from bench.zoo import load
from tests.plugins import broken, fusion

Tiny = Callable[..., SweepConfig]


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is no worker afterwards."""
    monkeypatch.setattr(worker, "_here", None)
    monkeypatch.setattr(worker, "_observers", ())
    monkeypatch.setattr(away, "_here", None)


def place_at(folder: Path, *include: Path, observers: tuple[str, ...] = ()) -> Workplace:
    chosen = choose_observers(observers)
    return Workplace(tuple(map(str, include)), 1, folder / "run", folder / "news", ON_THE_CPU, chosen)


def tasks_of(config: SweepConfig, kind: str = "cell") -> list[Task]:
    return [Task(kind, (one.cell,), (one.key,)) for one in make_plan(config, {}).cells]  # type: ignore[arg-type]


def test_a_cell_is_done_from_bytes_and_leaves_only_bytes(
    tiny: Tiny, sweep, measured, plugin: Callable[..., Path], tmp_path: Path
) -> None:
    file = plugin(fusion("test_away"), name="away")
    _, (here,), _ = sweep(fusion="test_away", include=[str(file)], save="all")
    driver, node = place_at(tmp_path / "driver", file, observers=("models:keep=all",)), tmp_path / "node"
    (task,) = tasks_of(tiny(fusion="test_away", include=[str(file)]))
    del FUSIONS._classes["test_away"]  # nobody knows it there
    away._settle(luggage(driver), node, node / "news")
    delivery = away._perform(pickle.dumps(task))
    written = tmp_path / "run" / "models" / f"{task.keys[0]}.safetensors"
    assert not driver.run.exists()
    assert not [path for path in (node / "run").rglob("*") if path.is_file()]
    (result,) = received(driver, task, End(delivery, "printed"))
    assert result.pop("said") == ["  printed"]
    # The rates are those of the machine that took them.
    assert result.pop("measured_on")["machine"]["cpu"]
    assert measured({**here, **result}) == measured(here)
    assert (driver.run / "models" / written.name).read_bytes() == written.read_bytes()
    assert (driver.run / "scores" / f"{task.keys[0]}.npz").is_file()


@pytest.mark.parametrize(("device", "started"), [("cuda", 2), ("cpu", 1)])
def test_on_a_gpu_a_worker_does_nothing_after_a_cell_that_failed(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, device: str, started: int
) -> None:
    class Failed:
        """A worker whose tasks all fail."""

        output = ""
        task = b""

        def __init__(self, *given: object) -> None:
            found.append(self)

        def send(self, task: bytes, limit: float | None) -> None:
            assert self is found[-1]
            self.task = task

        def poll(self) -> Delivery | None:
            task, self.task = self.task, b""
            return away._perform(task) if task else None

        def stop(self) -> None: ...

    found: list[Failed] = []
    monkeypatch.setitem(vars(sys.modules["__main__"]), "__file__", "main.py")  # a Post forgets it
    monkeypatch.setattr(away, "Worker", Failed)
    monkeypatch.setattr(worker, "perform", lambda task: [{"status": "error"}])
    monkeypatch.setattr(away, "_here", replace(place_at(tmp_path), execution=Execution(device)))
    post = away.Post(b"")
    for task in tasks_of(tiny(seed="0..1")):
        post.work(pickle.dumps(task), None, None)
    post.close()
    assert len(found) == started


def test_a_warm_up_is_computed_once_and_taken_along(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "node"))
    (task,) = tasks_of(tiny(protocol="finetune"), "warmup")
    start, driver = start_of(task), place_at(tmp_path)
    assert start is not None
    assert pack_start(start) == {}
    away._settle(luggage(driver), tmp_path / "post", tmp_path / "post" / "news")
    delivery = away._perform(pickle.dumps(task))
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "driver"))
    assert received(driver, task, End(delivery, ""))[0]["status"] == "ok"
    assert start.is_cached()
    assert list(pack_start(start)) == list(delivery.cached)
    # One that is whole is not written once more, by whoever computed it too.
    before = [file.stat().st_ino for file in start.files()]
    received(driver, task, End(delivery, ""))
    assert [file.stat().st_ino for file in start.files()] == before
    # The card vouches for the weights, and appears when they are there.
    assert [name.rpartition(".")[2] for name in delivery.cached] == ["pt", "pt", "json"]
    assert cache_folder() == tmp_path / "driver"


def test_a_warm_up_that_two_bring_at_once_is_that_of_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    names = "warmups/w.backbone.pt", "warmups/w.head.pt", "warmups/w.json"
    first, second = (dict.fromkeys(names, whose) for whose in (b"first", b"second"))
    with writing(tmp_path / "warmups" / "w.json", print):
        other = Thread(target=away._keep, args=(second,))
        other.start()
        other.join(0.3)
        assert other.is_alive()
        parcel.unpack(first, tmp_path)
    other.join(20)
    assert parcel.pack((tmp_path / name for name in names), tmp_path) == first


def test_a_warm_up_that_comes_damaged_is_told_and_costs_no_result(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    (task,) = tasks_of(tiny(protocol="finetune"), "warmup")
    delivery = Delivery([{"status": "ok", "warmup_seconds": 1.0}], {}, {"warmups/other.json": b"{}"})
    assert received(place_at(tmp_path), task, End(delivery, ""))[0]["status"] == "ok"
    assert "holds other.json; workers compute it again" in capsys.readouterr().err


def test_a_plug_in_that_is_another_one_there_costs_its_cell(tiny: Tiny, tmp_path: Path) -> None:
    (task,) = tasks_of(tiny())
    away._settle(luggage(place_at(tmp_path)), tmp_path, tmp_path)
    (result,) = away._perform(pickle.dumps(replace(task, keys=("0" * 16,)))).results
    assert (result["status"], result["error"]["type"]) == ("error", "SourceChanged")
    assert "another one here" in result["error"]["message"]


def test_how_a_worker_ended_is_the_result_of_each_cell(tiny: Tiny, tmp_path: Path) -> None:
    cells = tasks_of(tiny(seed="0..1"))
    both = Task("cell", tuple(one.cell for one in cells), tuple(one.keys[0] for one in cells))
    results = received(place_at(tmp_path), both, End(Ended("killed", "WorkerLost", "gone"), ""))
    assert [(one["status"], one["error"]["message"]) for one in results] == [("killed", "gone")] * 2


def test_a_folder_of_an_observer_replaces_the_one_of_an_earlier_attempt(tmp_path: Path) -> None:
    """And nothing else, as one that a plug-in keeps for all cells."""
    for name in ("tensorboard/concat-12345678/old", "tensorboard/other", "mine/pictures/one.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    delivered = {"tensorboard/concat-12345678/new": b"1", "scores/key.npz": b"2", "mine/pictures/two.png": b"3"}
    parcel.unpack(delivered, tmp_path, [folder_end("12345678" * 2)])
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == sorted([*delivered, "tensorboard/other", "mine/pictures/one.png"])


def test_a_worker_that_died_after_its_task_takes_no_other_with_it(tiny: Tiny, tmp_path: Path) -> None:
    first, second = (pickle.dumps(task) for task in tasks_of(tiny(seed="0..1")))
    post = Post(luggage(place_at(tmp_path)))
    try:
        assert isinstance(post.work(first, None, None).outcome, Delivery)
        assert post._worker is not None
        os.kill(post._worker.pid, signal.SIGKILL)
        post._worker._process.join()
        assert isinstance(post.work(second, None, None).outcome, Delivery)
    finally:
        post.close()


def test_sources_travel_with_what_they_import_and_nothing_beside(tmp_path: Path, registries: None) -> None:
    for name, text in {"one": "from .two import NAME\n", "two": "NAME = 'two'\n", "three": "raise SystemExit"}.items():
        (tmp_path / f"{name}.py").write_text(text)
    folder = tmp_path / "folder"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "x.pyc").touch()
    (folder / "data.bin").write_bytes(b"12")
    packed, places = parcel.pack_sources([str(tmp_path / "one.py"), str(folder)])
    assert sorted(packed) == ["0/one.py", "0/two.py", "1/data.bin"]
    assert places == ("0/one.py", "1")
    there = tmp_path / "there"
    parcel.unpack(packed, there)
    load([there / place for place in places])


def test_a_plug_in_that_ended_the_program_is_left_out_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registries: None
) -> None:
    folder, node = tmp_path / "mine", tmp_path / "node"
    folder.mkdir()
    file = folder / "quits.py"
    for place in (file, tmp_path / "alone.py"):
        place.write_text("raise RuntimeError('it ran')")
    reasons = {f"plug-in {file}": "it quit", f"plug-in {tmp_path / 'alone.py'}": "it quit", "fusion bad": "it quit"}
    monkeypatch.setenv(guard.LEFT_OUT, "")
    monkeypatch.setattr(guard._Supervised, "culprits", reasons)
    packed = luggage(place_at(tmp_path, folder, tmp_path / "alone.py"))
    # Another process, on another machine.
    monkeypatch.setattr(guard._Supervised, "culprits", {})
    away._settle(packed, node, node / "news")
    assert [broken(node / "plug-ins" / name) for name in ("0/quits.py", "1/alone.py")] == ["it quit"] * 2
    with pytest.raises(guard.EndedTheProgramError), guard.running("fusion bad"):
        pytest.fail("it ran")


def test_sources_that_are_no_sources_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "big.bin").write_bytes(b"0" * 11)
    monkeypatch.setattr(parcel, "LARGEST_SOURCES", 10)
    with pytest.raises(UsageError, match=r"^--include .*more than 0 MB"):
        parcel.pack_sources([str(tmp_path)])


def test_what_a_worker_left_that_was_ended_does_not_go_with_the_next_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Dying:
        output = ""

        def __init__(self, prepare: object, arguments: tuple[bytes, Path, Path], act: object) -> None:
            self.left = arguments[1] / "run" / "scores" / "key.npz"

        def send(self, task: bytes, limit: float | None) -> None:
            self.left.parent.mkdir(parents=True)
            self.left.write_bytes(b"of a cell that is not done in time")

        def poll(self) -> Ended:
            return Ended("timeout", "TimeoutError", "late")

    monkeypatch.setattr(away, "Worker", Dying)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setitem(vars(sys.modules["__main__"]), "__file__", "main.py")
    post = away.Post(b"")
    assert post.work(b"", None, 1).outcome == Ended("timeout", "TimeoutError", "late")
    assert not list(tmp_path.rglob("*.npz"))


def test_the_limit_of_a_cell_is_that_of_every_executor(tiny: Tiny, tmp_path: Path) -> None:
    class Any(Executor):
        name = "any"

        def run(self, tasks, on_poll):
            yield from ()

    (task,) = tasks_of(tiny())
    assert Any(place_at(tmp_path), None, 5).limit(task) == 5


def test_nothing_is_left_of_what_was_handed_over(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "key.safetensors").write_bytes(b"weights")
    (tmp_path / "models" / "key.json").write_bytes(b"card")
    packed = parcel.pack_folder(tmp_path)
    # As it was written: the card, which vouches for the weights, behind them.
    assert list(packed) == ["models/key.safetensors", "models/key.json"]
    assert [path.name for path in tmp_path.rglob("*")] == ["models"]
    assert Delivery([], packed, {}).files["models/key.json"] == b"card"
