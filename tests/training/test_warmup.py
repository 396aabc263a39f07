"""Warm-ups: computed once, shared, complete or absent, and loaded as they were saved."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import zoo
from bench.backbones import create_backbone
from bench.domain import DOMAINS, Domain, Images, Pairs, Split
from bench.errors import DivergedError
from bench.fusion import MapShape
from bench.model import build_model
from bench.spec import parse_spec
from bench.training import warmup
from bench.training.recipe import WarmupRecipe
from bench.training.warmup import Warmup, ensure, is_cached, load_into, warmup_key

zoo.load()

BACKBONE = "mobilenetv3_small_32"
RGB = MapShape(3, 32, 32)
IDENTITY: dict[str, Any] = {"task": "names", "backbone": {"name": BACKBONE}, "seed": 0}


@dataclass
class Call:
    split: Split
    seed: int
    n: int
    start: int
    easy: bool


class Primaries(Domain):
    """Names red, green and blue; the first two pixels of an image hold its number."""

    name, version = "primaries", 1
    classes, warmup_classes = ("circle", "square"), ("red", "green", "blue")

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def draw(self, split: Split, seed: int, n: int, start: int = 0) -> Pairs:
        raise AssertionError("a warm-up has no business with the pairs of the task")

    def draw_named(self, split: Split, seed: int, n: int, start: int = 0, easy: bool = False) -> Images:
        self.calls.append(Call(split, seed, n, start, easy))
        number = torch.arange(start, start + n)
        named = (number * 7919 + number // 3 + seed) % 3
        pixels = torch.full((n, 3, 32, 32), 40, dtype=torch.uint8)
        pixels[torch.arange(n), named] = (150 + number % 100).to(torch.uint8)[:, None, None]
        pixels[:, 0, 0, 0], pixels[:, 0, 0, 1] = (number // 256).to(torch.uint8), (number % 256).to(torch.uint8)
        return Images(pixels, {"class": named})


def numbers(pixels: Tensor) -> list[int]:
    return (pixels[:, 0, 0, 0].int() * 256 + pixels[:, 0, 0, 1].int()).tolist()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(warmup, "CHUNK", 128)
    monkeypatch.setattr(warmup, "HELD_OUT", 96)
    return tmp_path / "cache" / "warmups"


def ask(
    identity: dict[str, Any] = IDENTITY,
    seed: int = 0,
    domain: Domain | None = None,
    on_progress: Callable[..., None] = lambda share, history: None,
    **recipe: Any,
) -> Warmup:
    options = {"images": 128, "batch_size": 32, **recipe}
    return ensure(identity, BACKBONE, domain or Primaries(), WarmupRecipe(**options), seed, on_progress)


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

    monkeypatch.setattr(warmup, "fit", fail)


# --- once ---


def test_the_second_call_reads_the_cache(cache: Path, request: pytest.FixtureRequest) -> None:
    assert not is_cached(IDENTITY)
    first = ask()
    assert is_cached(IDENTITY)
    assert first.path.parent == cache
    assert first.seconds > 0
    saved = weights(first)
    request.getfixturevalue("no_training")
    second = ask()
    assert second == first
    assert equal(weights(second), saved)


def test_the_card_says_what_was_trained_and_how_well(cache: Path) -> None:
    made = ask(images=256)
    card = json.loads(made.path.with_suffix(".json").read_text())
    assert {key: card[key] for key in IDENTITY} == IDENTITY
    assert (card["quality"], card["seconds"], card["images"]) == (made.quality, made.seconds, made.images)
    assert card["images"] == card["curve"][-1][0] == 256


@pytest.mark.parametrize(
    "change",
    [
        {"task": "centre"},
        {"seed": 1},
        {"backbone": {"name": BACKBONE, "source": "edited"}},
        {"recipe": {"images": 5}},
        {"domain": {"content": {"textures": "abc"}}},
    ],
)
def test_another_identity_is_another_warm_up(change: dict[str, Any]) -> None:
    other = {**IDENTITY, **change}
    assert warmup_key(other) != warmup_key(IDENTITY)
    ask()
    assert not is_cached(other)


def test_the_order_of_the_identity_does_not_matter() -> None:
    assert warmup_key(dict(reversed(IDENTITY.items()))) == warmup_key(IDENTITY)


def test_the_cache_lies_in_the_home_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FUSEBENCH_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert warmup.cache_folder() == tmp_path / ".cache" / "fusebench"


RACE = """
    import sys, time, torch
    from pathlib import Path
    torch.set_num_threads(1)
    from bench import zoo
    zoo.load()
    from bench.domain import DOMAINS
    from bench.training import warmup
    from bench.training.recipe import WarmupRecipe

    warmup.CHUNK, warmup.HELD_OUT = 128, 96
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
    recipe = WarmupRecipe(images=256, batch_size=32)
    made = warmup.ensure({"task": "race"}, "mobilenetv3_small_32", DOMAINS.get("color")(), recipe, 0, progress)
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


def test_after_a_killed_process_it_is_computed_anew(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "go").touch()
    process = start("a", tmp_path, "die")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not is_cached({"task": "race"})
    assert not files(cache) & {".pt", ".json"}
    assert ask({"task": "race"}, domain=DOMAINS.get("color")()).images == 128
    assert is_cached({"task": "race"})


# --- complete or absent ---


def dies_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(warmup, "fit", fit)


def dies_while_saving(monkeypatch: pytest.MonkeyPatch) -> None:
    def save(state: object, path: Path) -> None:
        Path(path).write_bytes(b"half of the weights")
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", save)


def dies_before_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Path.write_text

    def write_text(path: Path, text: str, *args: object) -> int:
        whole(path, text[: len(text) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_text", write_text)


@pytest.mark.parametrize("crash", [dies_in_training, dies_while_saving, dies_before_the_card])
def test_a_crash_leaves_no_card_and_the_next_call_starts_over(cache: Path, crash: Callable[..., None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        crash(patch)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert not is_cached(IDENTITY)
    assert ".json" not in files(cache)
    assert all(torch.load(path, weights_only=True) for path in cache.glob("*.pt"))  # whole, if there are any

    made = ask()
    assert is_cached(IDENTITY)
    assert equal(weights(made), weights(ask({"task": "undisturbed"})))


@pytest.mark.parametrize("crash", [dies_while_saving, dies_before_the_card])
def test_a_crash_leaves_no_half_written_file_behind(cache: Path, crash: Callable[..., None]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        crash(patch)
        with pytest.raises(KeyboardInterrupt):
            ask()
    assert files(cache) <= {".lock", ".pt"}


def test_a_warm_up_that_diverges_is_not_kept(cache: Path) -> None:
    with pytest.raises(DivergedError):
        ask(lr=1e30, clip_norm=1e30)
    assert not is_cached(IDENTITY)
    assert not files(cache) & {".pt", ".json"}


# --- the same seed, the same weights ---


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = weights(ask({"run": 1}))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second, other = weights(ask({"run": 2})), weights(ask({"run": 3}, seed=1))
    assert equal(first, second)
    assert not equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


# --- what is trained ---


def test_it_learns_what_it_is_shown() -> None:
    assert ask(images=1024, easy_share=0).quality > 0.9


def test_training_and_held_out_images_come_from_different_splits() -> None:
    domain = Primaries()
    ask(seed=3, domain=domain)
    assert {call.split for call in domain.calls} == {"warmup", "val"}
    assert {call.seed for call in domain.calls} == {3}
    assert sum(call.n for call in domain.calls if call.split == "val") == 96
    assert domain.calls[-1].split == "val"
    assert not domain.calls[-1].easy


@pytest.mark.parametrize(("images", "batch"), [(256, 32), (256, 128), (240, 48), (300, 100), (400, 200)])
def test_every_image_is_trained_on_once(images: int, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[list[int]] = []
    standardise = warmup.standardise

    def watch(pixels: Tensor) -> Tensor:
        if torch.is_grad_enabled():
            shown.append(numbers(pixels))
        return standardise(pixels)

    monkeypatch.setattr(warmup, "standardise", watch)
    made = ask(images=images, batch_size=batch)
    assert [len(part) for part in shown] == [batch] * (images // batch)
    assert [number for part in shown for number in part] == list(range(images))
    assert made.images == images


@pytest.mark.parametrize(("share", "easy"), [(0.0, 0), (0.5, 256), (1.0, 512)])
def test_the_first_images_are_easy(share: float, easy: int) -> None:
    domain = Primaries()
    ask(images=512, batch_size=64, easy_share=share, domain=domain)
    trained = [call for call in domain.calls if call.split == "warmup" and call.n > 1]
    assert [i for call in trained for i in range(call.start, call.start + call.n)] == list(range(512))
    assert [call.easy for call in trained for _ in range(call.n)] == [True] * easy + [False] * (512 - easy)


def test_held_out_images_leave_no_trace_in_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    few = weights(ask({"held out": 8}))
    monkeypatch.setattr(warmup, "HELD_OUT", 300)
    assert equal(weights(ask({"held out": 300})), few)


def test_progress_reaches_one() -> None:
    shares: list[float] = []
    ask(on_progress=lambda share, history: shares.append(share))
    assert shares == sorted(shares)
    assert shares[-1] == 1


# --- loading ---


def pixels(n: int, channels: int = 3) -> Tensor:
    return torch.randn(n, channels, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[str], Path]:
    """State dict of a backbone whose every tensor differs from its initialisation."""

    def save(name: str) -> Path:
        torch.manual_seed(7)
        tower = create_backbone(name, RGB)
        with torch.no_grad():
            for value in tower.state_dict().values():
                if value.is_floating_point():
                    value.add_(torch.rand_like(value) * 0.1)
        path = tmp_path / f"{name}.pt"
        torch.save(tower.state_dict(), path)
        return path

    return save


def test_loaded_weights_are_the_saved_ones() -> None:
    made = ask()
    torch.manual_seed(99)
    tower = create_backbone(BACKBONE, RGB)
    assert not equal(tower.state_dict(), weights(made))
    load_into(tower, made.path)
    assert equal(tower.state_dict(), weights(made))


@pytest.mark.parametrize("name", [BACKBONE, "resnet18", "tiny_vit"])
@pytest.mark.parametrize("reads", ["map", "tokens"])
def test_a_backbone_that_dropped_layers_takes_what_it_has(name: str, reads: str, saved: Callable[[str], Path]) -> None:
    path = saved(name)
    whole, part = create_backbone(name, RGB).eval(), create_backbone(name, RGB).eval()
    part.keep_only(reads)
    load_into(whole, path)
    load_into(part, path)
    with torch.no_grad():
        assert torch.equal(whole.read(pixels(2), reads), part.read(pixels(2), reads))


@pytest.mark.parametrize("name", [BACKBONE, "resnet18", "tiny_vit"])
def test_a_stem_for_two_images_starts_as_the_stem_for_one(name: str, saved: Callable[[str], Path]) -> None:
    """The same image twice gives the activations that the image alone gives; either image counts alike."""
    path = saved(name)
    one, two = create_backbone(name, RGB).eval(), create_backbone(name, MapShape(6, 32, 32)).eval()
    load_into(one, path)
    load_into(two, path)
    x, y = pixels(4).chunk(2)
    with torch.no_grad():
        assert torch.allclose(two.lower(torch.cat([x, x], 1), -1), one.lower(x, -1), atol=1e-4)
        assert torch.allclose(two.lower(torch.cat([x, y], 1), -1), two.lower(torch.cat([y, x], 1), -1), atol=1e-4)
        twice, alone = two.read(torch.cat([x, x], 1), "embedding"), one.read(x, "embedding")
        assert torch.allclose(twice, alone, rtol=1e-3, atol=1e-3)
        # Standardised images that have nothing to do with each other keep the scale to within its square root.
        ratio = two.lower(torch.cat([x, y], 1), -1).std() / one.lower(x, -1).std()
        assert 0.5 < float(ratio) < 1.5


@pytest.mark.parametrize("fusion", ["concat", "two_channel", "fmap_diff"])
def test_models_start_from_a_warm_up(fusion: str) -> None:
    made = ask()
    model = build_model(parse_spec(fusion), BACKBONE, seed=1)
    load_into(model.backbone, made.path)
    loaded, kept = model.backbone.state_dict(), weights(made)
    same = [name for name in loaded if loaded[name].shape == kept[name].shape]
    assert all(torch.equal(loaded[name], kept[name]) for name in same)
    assert len(same) >= len(loaded) - (fusion == "two_channel")


def test_loading_leaves_the_file_as_it_was() -> None:
    made = ask()
    before = made.path.read_bytes()
    load_into(create_backbone(BACKBONE, MapShape(6, 32, 32)), made.path)
    assert made.path.read_bytes() == before
    assert os.access(made.path, os.R_OK)
