"""The files of a warm-up: whatever is not what was written is noticed and named."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import nn

from bench.errors import DivergedError, StorageError
from bench.kept import DamagedError
from bench.training.warmup import stored
from bench.training.warmup.stored import read

IDENTITY = {"task": "names", "recipe": {"lr": 0.001}}
FACTS = {"quality": 0.5, "measured": {"accuracy": 0.5}, "seconds": 1.0, "images": 128, "curve": [[128, 0.7, 0.5]]}


def parts() -> dict[str, nn.Module]:
    return {"backbone": nn.Linear(2, 2), "head": nn.Linear(2, 1)}


@pytest.fixture
def card(cache: Path) -> Path:
    """Of a warm-up in the cache."""
    path = cache / "0123.json"
    cache.mkdir(parents=True)
    stored.write(path, IDENTITY, FACTS, parts())
    return path


def test_what_was_written_is_read(card: Path) -> None:
    found = read(card, IDENTITY)
    assert found is not None
    assert (found.quality, found.measured, found.seconds, found.images) == (0.5, {"accuracy": 0.5}, 1.0, 128)
    assert set(torch.load(card.with_suffix(".pt"), weights_only=True)) == {"weight", "bias"}


def scale(path: Path) -> None:
    state = torch.load(path, weights_only=True)
    torch.save({name: 1.5 * value for name, value in state.items()}, path)


def flip_a_bit_and_set_the_clock_back(path: Path) -> None:
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "scaled": scale,
    "truncated": lambda path: os.truncate(path, 100),
    "empty": lambda path: os.truncate(path, 0),
    "missing": Path.unlink,
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a bit": flip_a_bit_and_set_the_clock_back,
}


@pytest.mark.parametrize("suffix", [".pt", ".head.pt"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_weights_are_named(card: Path, suffix: str, damage: Callable[[Path], object]) -> None:
    assert read(card, IDENTITY)
    damage(card.with_suffix(suffix))
    with pytest.raises(DamagedError, match=f"0123{suffix}: "):
        read(card, IDENTITY)


def without(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if key != name}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda facts: without(without(facts, "sha256"), "measured"), "an earlier version, which kept no SHA-256"),
        (lambda facts: without(facts, "quality"), "quality: Field required"),
        (lambda facts: facts | {"quality": float("nan")}, "quality: Input should be a finite number"),
        (lambda facts: facts | {"images": "128"}, "images: Input should be a valid integer"),
        (lambda facts: facts | {"task": "centre"}, "the card of another warm-up"),
        (lambda facts: [facts], "object"),
    ],
)
def test_a_card_that_is_none_of_this_warm_up_is_named(
    card: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    card.write_text(json.dumps(change(json.loads(card.read_text()))))
    with pytest.raises(DamagedError, match=f"0123.json: .*{problem}"):
        read(card, IDENTITY)


FIELDS = st.sampled_from([*IDENTITY, *FACTS, "sha256", "backbone", "head"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=8),
    max_leaves=12,
)


@given(content=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
@example(content=b"[" * 100_000)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_card_holds_is_noticed(card: Path, content: bytes) -> None:
    card.write_bytes(content)
    with pytest.raises(DamagedError):
        read(card, IDENTITY)


def test_weights_that_are_no_numbers_are_not_kept(cache: Path) -> None:
    broken = parts()
    with torch.no_grad():
        broken["head"].bias.fill_(float("nan"))
    with pytest.raises(DivergedError, match="bias"):
        stored.write(cache / "0123.json", IDENTITY, FACTS, broken)
    assert not cache.exists()


def test_a_full_disk_leaves_no_file_and_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir(parents=True)

    whole = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if ".json" in path.name:
            raise OSError(28, "No space left on device")
        return whole(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"0123\.json: No space left on device"):
        stored.write(cache / "0123.json", IDENTITY, FACTS, parts())
    assert not list(cache.iterdir())
