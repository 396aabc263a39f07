"""What commands write: whole or not at all, on stdout as in files, and what of a run is lost is said."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bench as api
from bench import cli
from bench.cli.options import emit
from bench.cli.stdout import whole_stdout
from bench.errors import StorageError

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]
Records = list[dict[str, Any]]


class Raw(io.RawIOBase):
    """Stdout as Python has it without buffering: a write takes at most seven bytes, and there is a limit."""

    def __init__(self, room: int) -> None:
        self.taken, self._room = b"", room

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        size = min(7, self._room - len(self.taken), len(content))
        if len(content) and not size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.taken += bytes(content[:size])
        return size


@pytest.fixture
def unbuffered(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Raw]:
    def replace(room: int) -> Raw:
        raw = Raw(room)
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, write_through=True))  # type: ignore[type-var]
        return raw

    return replace


def test_stdout_gets_every_byte(unbuffered: Callable[[int], Raw]) -> None:
    raw = unbuffered(10_000)
    emit("é\udce9" * 1_000)
    assert raw.taken == "é\\udce9".encode() * 1_000


def test_a_stdout_that_is_full_is_an_error(unbuffered: Callable[[int], Raw]) -> None:
    unbuffered(100)
    with pytest.raises(StorageError, match="stdout: No space left on device"):
        emit("x" * 101)


def test_what_is_printed_on_a_full_stdout_is_an_error_of_it(unbuffered: Callable[[int], Raw]) -> None:
    unbuffered(0)
    with pytest.raises(StorageError, match="stdout: No space left on device"), whole_stdout():
        print("x")


def test_no_other_error_of_the_system_passes_for_one_of_stdout() -> None:
    with pytest.raises(OSError, match="AF_UNIX path too long"), whole_stdout():
        raise OSError("AF_UNIX path too long")


def test_an_error_of_a_file_names_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setattr(cli, "app", lambda: Path("not/there").read_bytes())
    assert bench() == 2
    assert capsys.readouterr().err == "bench: not/there: No such file or directory\n"


@pytest.mark.parametrize(
    "command",
    [
        ("check", "RUN", "--write-baseline", "OUT/old.jsonl"),
        ("check", "RUN", "--baseline", "RUN", "--format", "junit", "--out", "OUT/old.xml"),
        ("report", "RUN", "--out", "OUT/old.md"),
        ("export", "records", "RUN", "--out", "OUT/old.csv"),
        ("export", "records", "RUN", "--format", "parquet", "--out", "OUT/old.parquet"),
        ("plot", "RUN", "--kind", "bars", "--out", "OUT/old.png"),
    ],
    ids=lambda command: command[-1],
)
def test_a_full_disk_leaves_the_old_file_and_one_line(
    command: tuple[str, ...],
    bench: Bench,
    capfd: Captured,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sweep: Records,
    run_folder: Callable[..., Path],
) -> None:
    run, out = run_folder([one for one in sweep if one["backbone"] != "resnet18"]), tmp_path / "out"
    out.mkdir()
    old = out / Path(command[-1]).name
    old.write_text("old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("bench.atomic.os.fsync", full)
    assert bench(*(part.replace("RUN", str(run)).replace("OUT", str(out)) for part in command)) == 2
    last = capfd.readouterr().err.splitlines()[-1]
    assert last == f"bench: {old}: No space left on device"
    assert (old.read_text(), list(out.iterdir())) == ("old", [old])


def test_a_damaged_line_is_told_wherever_the_run_is_read(
    bench: Bench, capfd: Captured, sweep: Records, run_folder: Callable[..., Path]
) -> None:
    sweep[3]["eval"]["color"]["accuracy"] = "0.9"
    run = run_folder(sweep)
    what = f"1 line of {run}/records.jsonl could not be read and is left out: line 4: record {sweep[3]['key']}: "
    what += "eval.color.accuracy: '0.9' is not a share from 0 to 1"
    assert bench("report", run, "--format", "json") == 0
    written = capfd.readouterr()
    assert written.err == f"warning: {what}\n"
    assert f"{what}." in json.loads(written.out)["notes"]
    assert bench("export", "records", run) == 0
    assert capfd.readouterr().err == f"warning: {what}\n"
    with pytest.warns(UserWarning, match="1 line of .* could not be read"):
        api.load(run)


def test_scores_that_are_damaged_cost_their_picture_alone(
    bench: Bench, capfd: Captured, sweep: Records, run_folder: Callable[..., Path], tmp_path: Path
) -> None:
    sweep[3]["seed"] = 1.5
    run = run_folder(sweep)
    (run / "scores").mkdir()
    for one in sweep:
        (run / "scores" / f"{one['key']}.npz").write_bytes(b"PK\x03\x04half")
    assert bench("plot", run, "--kind", "scores,bars", "--out", tmp_path / "plots") == 0
    said = capfd.readouterr().err
    assert "warning: 1 line of " in said
    assert re.search(r"not drawn: scores: .*\.npz: scores that cannot be read \(BadZipFile", said)
    assert any(file.name.startswith("bars") for file in (tmp_path / "plots").iterdir())
