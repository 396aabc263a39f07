"""Files of warm-ups that were damaged, exchanged or planted: the same weights or one line, and no code is executed."""

from __future__ import annotations

import io
import json
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st

from bench.backbones import create_backbone
from bench.errors import UsageError
from bench.model import IMAGE
from bench.training.warmup.cache import WarmupSpec

pytestmark = pytest.mark.faults

RECIPE = {"images": 32, "batch_size": 16}


class Planted:
    """Unpickled, it would execute code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __reduce__(self) -> Any:
        return exec, (self._code,)


def planted_archive(code: str) -> bytes:
    """What ``torch.save`` writes, with code in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Planted(code)))
        archive.writestr("archive/version", "3\n")
    return file.getvalue()


@pytest.fixture
def spec(place: Path, monkeypatch: pytest.MonkeyPatch) -> WarmupSpec:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(place / "cache"))
    return WarmupSpec.declared("names", "mobilenetv3_small_32", "color", RECIPE)


def scaled(content: bytes, by: float = 1.5) -> bytes:
    """The same weights times a number."""
    state, file = torch.load(io.BytesIO(content), weights_only=True), io.BytesIO()
    torch.save({name: value * by if value.is_floating_point() else value for name, value in state.items()}, file)
    return file.getvalue()


def weights_of(spec: WarmupSpec) -> dict[str, torch.Tensor]:
    return spec.restore(spec.ensure()).state_dict()


def test_files_of_the_cache(fuzz: Any, place: Path, spec: WarmupSpec, damage: Any, mine: str) -> None:
    expected = weights_of(spec)
    folder = place / "cache" / "warmups"
    sound = {file.name: file.read_bytes() for file in folder.iterdir() if file.suffix in (".pt", ".json")}
    assert len(sound) == 3

    def check(seed: int) -> None:
        for name, content in sound.items():
            (folder / name).write_bytes(content)
        name = sorted(sound)[seed % 3]
        content = sound[name]
        if name.endswith(".pt"):
            made = [damage(content, seed), b"", scaled(content), pickle.dumps(Planted(mine)), planted_archive(mine)]
            made += [content[: seed % len(content)], json.dumps({}).encode()]
        else:
            card = json.loads(content)
            made = [damage(content, seed), b"", b"{}", b"[]", json.dumps({**card, "quality": "high"}).encode()]
        (folder / name).write_bytes(made[seed // 3 % len(made)])
        found, refused = None, ""
        try:
            found = weights_of(spec)
        except UsageError as error:
            refused = str(error)
        assert found or name in refused
        same = found is None or all(torch.equal(found[one], expected[one]) for one in expected)
        assert same, f"other weights from a changed {name}"

    fuzz(st.integers(0, 2**32), 150, check)


def test_weights_of_a_user(fuzz: Any, place: Path, call: Any, damage: Any, mine: str) -> None:
    file = io.BytesIO()
    torch.save(create_backbone("mobilenetv3_small_32", IMAGE).state_dict(), file)
    sound = file.getvalue()

    def plan(content: bytes, seed: int) -> Any:
        # What was read is remembered by its path.
        weights = place / f"weights{seed}.pt"
        weights.write_bytes(content)
        answer = call("run", "--dry-run", "--fusion", "abs_diff", "--seed", 0, "--warmup", f"file:{weights}")
        weights.unlink()
        return answer

    assert plan(sound, -1).code == 0
    refused = [
        b"",
        pickle.dumps(Planted(mine)),
        planted_archive(mine),
        json.dumps({}).encode(),
        scaled(sound, math.nan),
    ]

    def check(seed: int) -> None:
        kind = seed % (2 * len(refused))
        answer = plan(refused[kind] if kind < len(refused) else damage(sound, seed), seed)
        assert "\x1b" not in answer.said
        if kind < len(refused):
            assert answer.code == 2
            assert f"weights{seed}.pt" in answer.err

    fuzz(st.integers(0, 2**32), 100, check)
