"""Warm-ups in a store: computed once for all machines, looked for before, whole or computed again."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from bench.cache_folder import cache_folder
from bench.errors import StorageError
from bench.sweep.store import Store
from bench.training.warmup import WarmupSpec

CLUSTER = Path(__file__).parents[2] / "docs" / "cluster.md"
MEMORY = "memory://shared/sweep"


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of the warm-ups that this process computes."""
    keys: list[str] = []
    compute = WarmupSpec._compute

    def count(self: WarmupSpec, *args: Any) -> Any:
        keys.append(self.key())
        return compute(self, *args)

    monkeypatch.setattr(WarmupSpec, "_compute", count)
    return keys


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: Any) -> Any:
    """Runs a tiny sweep from a warm-up on a machine with a cache and a folder of its own."""

    def run(name: str, **changes: Any) -> tuple[int, list[dict[str, Any]], str]:
        monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / name / "cache"))
        out = "sweep" if "part" in changes else name
        return sweep(protocol="finetune", out=str(tmp_path / name / out), **changes)

    return run


def archives() -> list[str]:
    return [name for name in MemoryFileSystem.store if name.endswith(".zip")]


@pytest.mark.parametrize("kind", [pytest.param("memory", marks=pytest.mark.slow), "file"])
def test_the_second_part_takes_the_warm_up_of_the_first_and_one_report_has_both(
    machine, computed: list[str], tmp_path: Path, kind: str, bench_report
) -> None:
    store = MEMORY if kind == "memory" else (tmp_path / "store").as_uri()
    code, (first,), _ = machine("one", seed="0,1", part="1/2", store=store)
    assert (code, len(computed)) == (0, 1)
    code, (second,), _ = machine("two", seed="0,1", part="2/2", store=store)
    assert (code, len(computed)) == (0, 1)
    assert second["warmup"] == first["warmup"]
    files = (tmp_path / "one" / "cache" / "warmups").glob("*.*")
    own = {file.name: file.read_bytes() for file in files if file.suffix != ".lock"}
    assert {name: (cache_folder() / "warmups" / name).read_bytes() for name in own} == own
    bring = re.search(r"""^python -c "(import fsspec.*)"$""", CLUSTER.read_text(), re.MULTILINE)
    assert bring
    exec(bring[1].replace("s3://bucket/sweep", store).replace("results/sweep", str(tmp_path / "here")), {})
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["sweep-part-1-of-2", "sweep-part-2-of-2"]
    (section,) = json.loads(bench_report(tmp_path / "here", "--format", "json").stdout)["sections"]
    assert any("2 seeds (0, 1)" in line for line in section["caption"])


@pytest.mark.slow
def test_workers_look_in_the_store(machine, tmp_path: Path) -> None:
    store = (tmp_path / "store").as_uri()
    machine("one", store=store)
    code, _, printed = machine("two", store=store, jobs=1)
    assert code == 0
    assert f"  found in {store}" in printed


def test_what_a_machine_has_already_is_given_to_others(machine, computed: list[str], tmp_path: Path) -> None:
    machine("one")
    assert (len(computed), archives()) == (1, [])
    machine("one", seed="1", store=MEMORY)
    assert len(archives()) == 1
    machine("two", store=MEMORY)
    assert len(computed) == 1


def zipped(files: dict[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def other_weights(packed: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        found = {name: archive.read(name) for name in archive.namelist()}
    return zipped({name: content if name.endswith(".json") else b"weights" for name, content in found.items()})


DAMAGES = [
    (lambda packed: packed[: len(packed) // 2], "BadZipFile"),
    (lambda packed: b"", "BadZipFile"),
    (other_weights, "not the weights of which"),
    (lambda packed: zipped({"../../stray.json": b"{}"}), "holds ../../stray.json"),
]


def test_a_damaged_one_is_computed_again_and_replaced(
    machine, computed: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    machine("first", store=MEMORY)
    for number, (damage, said) in enumerate(DAMAGES, start=1):
        (name,) = archives()
        whole = MemoryFileSystem.store[name].getvalue()
        MemoryFileSystem(skip_instance_cache=True).pipe_file(name, damage(whole))
        code, _, _ = machine(f"damaged{number}", store=MEMORY)
        assert (code, len(computed)) == (0, 1 + number)
        assert f"warning: store {MEMORY}: warmups/" in (printed := capfd.readouterr().err)
        assert said in printed
    machine("last", store=MEMORY)
    assert len(computed) == 1 + len(DAMAGES)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("cat_file", "the warm-up is computed, which may be there"),
        ("exists", "other machines compute the warm-up again"),
        ("mv", "other machines compute the warm-up again"),
    ],
)
def test_a_store_that_fails_meanwhile_costs_a_warning(
    machine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], method: str, said: str
) -> None:
    works = getattr(MemoryFileSystem, method)

    def fail(self: MemoryFileSystem, *args: Any, **options: Any) -> Any:
        if "/warmups/" in "".join(args):
            raise RuntimeError("the network is away")
        return works(self, *args, **options)

    monkeypatch.setattr(MemoryFileSystem, method, fail)
    code, records, printed = machine("one", store=MEMORY)
    assert (code, [record["status"] for record in records]) == (0, ["ok"])
    assert f"RuntimeError: the network is away; {said}" in " ".join((printed + capfd.readouterr().err).split())
    assert not [name for name in MemoryFileSystem.store if "/.fresh/" in name]


def test_half_a_file_is_never_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path.as_uri())
    store.write("warmups/one.zip", b"whole")

    def half(self: LocalFileSystem, path: str, content: bytes) -> None:
        Path(path).write_bytes(content[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LocalFileSystem, "pipe_file", half)
    with pytest.raises(StorageError, match=r"^store file://.*: warmups/one.zip: OSError: .*No space left"):
        store.write("warmups/one.zip", b"other")
    assert store.read("warmups/one.zip") == b"whole"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["one.zip"]


@pytest.mark.parametrize(
    ("url", "said"),
    [("nosuch://bucket/x", "Protocol not known: nosuch"), ("file:///proc/fusebench", "/proc/fusebench")],
)
def test_a_store_that_cannot_be_written_to_is_refused_before_anything_runs(
    machine, tmp_path: Path, url: str, said: str
) -> None:
    with pytest.raises(StorageError, match=rf"^store {url}: .*{said}") as raised:
        machine("one", store=url)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "one" / "one").exists()


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(StorageError, match=r"^store s3://bucket/x: cannot be opened: ImportError: .*s3fs"):
        Store("s3://bucket/x").check()
