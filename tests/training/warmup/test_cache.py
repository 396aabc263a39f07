"""The cache of warm-ups: computed once, shared, complete or absent."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.backbones import contract
from bench.errors import DivergedError, StorageError, UsageError
from bench.training.loop import History
from bench.training.warmup import Warmup, WarmupSpec
from bench.training.warmup import train as training

Ask = Callable[..., Warmup]
Spec = Callable[..., WarmupSpec]


def weights(made: Warmup) -> dict[str, Tensor]:
    return torch.load(made.path, weights_only=True)


def equal(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return set(first) == set(second) and all(torch.equal(value, second[name]) for name, value in first.items())


def files(folder: Path) -> set[str]:
    return {path.suffix for path in folder.iterdir()} if folder.exists() else set()


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise AssertionError("trained although the warm-up was in the cache")

    monkeypatch.setattr(training, "fit", fail)


# --- once ---


def test_the_second_call_reads_the_cache(spec: Spec, ask: Ask, cache: Path, request: pytest.FixtureRequest) -> None:
    assert not spec().is_cached()
    first = ask()
    assert spec().is_cached()
    assert first.path.parent == cache
    assert first.seconds > 0
    saved = weights(first)
    request.getfixturevalue("no_training")
    second = ask()
    assert second == first
    assert equal(weights(second), saved)


def test_the_card_says_what_was_trained_and_how_well(spec: Spec, ask: Ask) -> None:
    made, identity = ask(images=256), spec(images=256).identity()
    card = json.loads(made.path.with_suffix(".json").read_text())
    assert {key: card[key] for key in identity} == identity
    assert (card["quality"], card["seconds"], card["images"]) == (made.quality, made.seconds, made.images)
    assert card["images"] == card["curve"][-1][0] == 256


@pytest.mark.parametrize(
    "change",
    [
        {"task": "centre"},
        {"seed": 1},
        {"images": 160},
        {"domain": "color"},
    ],
)
def test_another_setting_is_another_warm_up(spec: Spec, ask: Ask, change: dict[str, Any]) -> None:
    assert spec(**change).key() != spec().key()
    ask()
    assert not spec(**change).is_cached()


def test_another_source_of_the_backbone_is_another_warm_up(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    before = spec().key()
    monkeypatch.setattr(contract, "source_hash", lambda cls: "edited")
    assert spec().key() != before


def test_weights_are_the_same_whatever_the_threads_of_the_process(ask_again: Ask) -> None:
    one = weights(ask_again())
    torch.set_num_threads(2)
    try:
        two = weights(ask_again())
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert equal(one, two)


RACE = """
    import sys, time, torch
    from pathlib import Path
    torch.set_num_threads(1)
    from bench import zoo
    zoo.load()
    from bench.training.warmup import WarmupSpec
    from bench.training.warmup import train as training

    training.CHUNK, training.HELD_OUT = 128, 96
    me, folder, die = sys.argv[1], Path(sys.argv[2]), "die" in sys.argv

    def progress(share, history):
        with (folder / "steps").open("a") as log:
            log.write(me + chr(10))
        if die:
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)

    (folder / f"ready-{me}").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)
    recipe = dict(images=256, batch_size=32)
    made = WarmupSpec.declared("names", "mobilenetv3_small_32", "color", recipe).ensure(progress)
    print(made.quality, made.images, torch.load(made.path, weights_only=True)["stem.0.weight"].sum().item())
"""


def start(me: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", dedent(RACE), me, str(folder), *more]
    root = Path(zoo.__file__).parents[1]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(*paths: Path) -> None:
    deadline = time.monotonic() + 60
    while not all(path.exists() for path in paths):
        assert time.monotonic() < deadline, f"waited for {paths}"
        time.sleep(0.02)


def test_two_processes_at_once_compute_it_once(tmp_path: Path) -> None:
    processes = [start(me, tmp_path) for me in "ab"]
    wait_for(tmp_path / "ready-a", tmp_path / "ready-b")
    (tmp_path / "go").touch()
    out = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], out
    assert out[0][0] == out[1][0] != ""
    steps = (tmp_path / "steps").read_text().split()
    assert len(steps) == 8
    assert len(set(steps)) == 1  # one of the two trained, the other waited


def test_after_a_killed_process_it_is_computed_anew(spec: Spec, tmp_path: Path, cache: Path) -> None:
    race = spec(domain="color", images=256)
    (tmp_path / "go").touch()
    process = start("a", tmp_path, "die")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not race.is_cached()
    assert not files(cache) & {".pt", ".json"}
    assert race.ensure().images == 256
    assert race.is_cached()


# --- whole or computed again ---


def test_damaged_weights_are_computed_again_and_it_is_said_once(spec: Spec, cache: Path) -> None:
    """What a killed writer left is swept on the way."""
    said: list[str] = []
    made = spec().ensure(say=said.append)
    sound, card = weights(made), made.path.with_suffix(".json")
    torch.save({name: 1.5 * value for name, value in sound.items()}, made.path)
    (cache / ".0123.pt.4567.tmp").write_bytes(b"half")
    assert not spec().is_cached()
    again = [spec().ensure(say=said.append) for _ in range(2)]
    assert said == [f"{made.path}: not the weights of which {card.name} has the SHA-256; the warm-up is computed again"]
    assert equal(weights(again[0]), sound)
    assert again[0] == again[1]
    assert files(cache) == {".pt", ".json", ".lock"}


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_cache_that_is_a_file_is_named(
    spec: Spec, below: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "file"
    place.touch()
    monkeypatch.setenv("FUSEBENCH_CACHE", str(place / below))
    with pytest.raises(UsageError, match=f"^{place / below}: .* {place} is none"):
        spec().is_cached()


def test_a_cache_that_cannot_be_written_to_is_named(spec: Spec, cache: Path) -> None:
    cache.parent.mkdir(parents=True)
    cache.symlink_to("/proc/self")
    with pytest.raises(StorageError, match=f"^{cache}/{spec().key()}.lock: "):
        spec().ensure()


# --- complete or absent ---


def dies_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", fit)


def dies_while_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        whole(path, data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


def dies_before_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_bytes

    def write_bytes(path: Path, data: bytes) -> int:
        if ".json" not in path.name:
            return whole(path, data)
        whole(path, data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


@pytest.mark.parametrize("crash", [dies_in_training, dies_while_saving, dies_before_the_card])
def test_a_crash_leaves_no_card_and_the_next_call_starts_over(
    spec: Spec, ask: Ask, ask_again: Ask, cache: Path, crash: Callable[..., None]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        crash(patch)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert not spec().is_cached()
    assert files(cache) <= {".lock"}

    made = weights(ask())
    assert spec().is_cached()
    assert equal(made, weights(ask_again()))


def test_a_warm_up_that_diverges_is_not_kept(spec: Spec, ask: Ask, cache: Path) -> None:
    with pytest.raises(DivergedError):
        ask(lr=1e30, clip_norm=1e30)
    assert not spec(lr=1e30, clip_norm=1e30).is_cached()
    assert not files(cache) & {".pt", ".json"}


@pytest.mark.parametrize("value", [float("nan"), torch.tensor(float("inf"))])
def test_a_quality_that_is_no_number_is_not_kept(
    spec: Spec, cache: Path, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "fit", lambda *given: History())
    monkeypatch.setattr(spec().task.cls, "assess", lambda *given: {"accuracy": value})
    with pytest.raises(DivergedError, match="accuracy = "):
        spec().ensure()
    assert files(cache) == {".lock"}
