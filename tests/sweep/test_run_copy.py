"""The copy of a run in a store: whole however the sweep ends, of one run alone, and brought up to date."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from bench.errors import StorageError, UsageError
from bench.sweep import run as sweep_run
from bench.sweep import worker
from bench.sweep.worker import Result, Task

Sweep = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def stored(sweep: Sweep, store: Path) -> Sweep:
    """Runs a tiny sweep that keeps its models, with a store."""
    return lambda **changes: sweep(**{"store": store.as_uri(), "save": "all", **changes})


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by their names, but for hidden ones."""
    files = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in files.items() if not str(name).startswith(".")}


def test_a_run_is_copied_whole_and_brought_up_to_date(stored: Sweep, tmp_path: Path, store: Path) -> None:
    run, copy = tmp_path / "run", store / "runs" / "run"
    stored()
    assert contents(copy) == contents(run)
    assert {Path(name).parts[0] for name in contents(copy)} == {"models", "scores", "run.json", "records.jsonl"}
    _, _, printed = stored()
    assert f"sending 0 files to {store.as_uri()}: runs/run" in printed
    (run / "stray.txt").write_text("old")
    _, _, printed = stored(seed="0,1")
    assert "sending 6 files" in printed
    assert contents(copy) == contents(run)
    (run / "stray.txt").unlink()
    stored()
    assert contents(copy) == contents(run)


def test_a_file_that_was_written_again_is_sent_though_it_is_as_long(stored: Sweep, tmp_path: Path, store: Path) -> None:
    stored()
    file = tmp_path / "run" / "notes.txt"
    for text in ("old", "new"):
        file.write_text(text)
        os.utime(file, ns=(0, 10**9 * len(text) + ord(text[0])))
        stored()
    assert (store / "runs" / "run" / "notes.txt").read_text() == "new"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_finished_is_copied_when_a_sweep_is_interrupted(
    stored: Sweep, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    written = sweep_run._write

    def interrupt(*args: Any) -> Any:
        os.kill(os.getpid(), number)
        return written(*args)

    monkeypatch.setattr(sweep_run, "_write", interrupt)
    found, records, printed = stored(seed="0..3")
    assert (found, len(records)) == (code, 1)
    assert "interrupted; everything finished is saved" in printed
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")


BAD = '''
@register
class Bad(Base):
    """Test."""
    name = "test_bad"
    def forward(self, a, b):
        raise RuntimeError("no")
'''


def test_failed_cells_are_copied(
    stored: Sweep, tmp_path: Path, store: Path, weighted: Callable[[str, str], Path]
) -> None:
    code, _, _ = stored(fusion="test_bad", include=[str(weighted("bad", BAD))])
    assert code == 3
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")


def test_a_store_that_fails_in_the_end_loses_nothing(
    stored: Sweep, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: LocalFileSystem, *args: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "put", fail)
        with pytest.raises(StorageError) as raised:
            stored()
    line = str(raised.value)
    assert line.startswith(f"store {store.as_uri()}: 3 files: PermissionError: [Errno 13] Permission denied; all that ")
    assert f"is kept in {tmp_path / 'run'}, and the same command goes on: bench run" in line
    assert "\n" not in line
    assert not (store / "runs" / "run" / "records.jsonl").exists()
    code, records, _ = stored()
    assert (code, len(records)) == (0, 1)
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")


def test_a_full_disk_here_is_told_and_the_rest_is_copied(
    stored: Sweep, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = sweep_run._write

    def full(writer: Any, planned: Any, result: Any) -> Any:
        if planned.cell.seed:
            raise StorageError("records.jsonl: No space left on device")
        return written(writer, planned, result)

    monkeypatch.setattr(sweep_run, "_write", full)
    with pytest.raises(StorageError, match=r"^records.jsonl: No space left"):
        stored(seed="0,1")
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")
    assert len(contents(store / "runs" / "run")["records.jsonl"].splitlines()) == 1


def test_a_queue_that_takes_no_more_is_told_and_what_is_finished_is_copied(
    stored: Sweep, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    performed = worker.perform

    def refuse(task: Task) -> list[Result]:
        if task.cell.seed:
            raise UsageError("executor slurm: sbatch: Socket timed out")
        return performed(task)

    monkeypatch.setattr(worker, "perform", refuse)
    with pytest.raises(UsageError, match=r"^executor slurm: .* timed out; all that was .* is kept in .*bench run"):
        stored(seed="0,1")
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")
    assert len(contents(store / "runs" / "run")["records.jsonl"].splitlines()) == 1
    # Before anything is finished there is nothing to go on with.
    with pytest.raises(UsageError, match=r"timed out$"):
        stored(seed="0,1")


def test_another_run_of_that_name_is_not_overwritten(stored: Sweep, tmp_path: Path, store: Path) -> None:
    stored(out=str(tmp_path / "one" / "run"))
    before = contents(store)
    with pytest.raises(UsageError, match=r"^store .*: runs/run is another run, which would be overwritten; choose"):
        stored(out=str(tmp_path / "two" / "run"), seed="1")
    assert not (tmp_path / "two" / "run" / "records.jsonl").read_text()
    assert contents(store) == before


def test_a_copy_that_is_brought_back_is_gone_on_with(stored: Sweep, tmp_path: Path, store: Path) -> None:
    stored()
    (tmp_path / "run").rename(tmp_path / "lost")
    (tmp_path / "run").mkdir()
    for name, content in contents(store / "runs" / "run").items():
        (tmp_path / "run" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "run" / name).write_bytes(content)
    code, records, printed = stored(seed="0,1")
    assert (code, len(records)) == (0, 2)
    assert "1 done, 1 to run" in printed
    assert contents(store / "runs" / "run") == contents(tmp_path / "run")


def test_a_plan_that_is_only_shown_leaves_the_store_alone(tiny, store: Path) -> None:
    from rich.console import Console

    assert sweep_run.run_sweep(tiny(store=store.as_uri()), ["bench"], Console(quiet=True), dry_run=True) == 0
    assert not store.exists()
