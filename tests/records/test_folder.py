"""Records survive the death of their writer and refuse what they cannot read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.records.folder import SCHEMA, RunFolder, find_runs, latest


def write(folder: RunFolder, *records: dict[str, object]) -> None:
    with folder.writer() as writer:
        for record in records:
            writer.write(record)


def test_what_is_written_is_read_back_in_order(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    write(folder, {"key": "a", "n": 1}, {"key": "b", "n": 2})
    write(folder, {"key": "a", "n": 3})
    assert [record["n"] for record in folder.records()] == [1, 2, 3]
    assert {key: record["n"] for key, record in latest(folder.records()).items()} == {"a": 3, "b": 2}


@given(cut=st.integers(min_value=0))
def test_a_file_cut_anywhere_loses_at_most_the_torn_line(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write(folder, *({"key": str(n), "text": "x" * n} for n in range(5)))
    content = folder.records_file.read_bytes()
    kept = content[: cut % (len(content) + 1)]
    folder.records_file.write_bytes(kept)
    assert len(folder.records()) == kept.count(b"\n")
    write(folder, {"key": "next"})
    assert len(folder.records()) == kept.count(b"\n") + 1
    assert folder.records()[-1]["key"] == "next"


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer(), pytest.raises(UsageError, match="another run is writing"), RunFolder(tmp_path).writer():
        pytest.fail("two writers at once")


def test_a_plan_needs_less_than_the_records_hold(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.attempts() == []
    write(folder, {"key": "a", "status": "ok", "times": {"total": 1.5}, "eval": {"color": {"accuracy": 0.9}}})
    assert folder.attempts() == [{"key": "a", "status": "ok", "times": {"total": 1.5}}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{broken", "line 1: not a JSON record"),
        ("[1, 2]", "no schema number"),
        (json.dumps({"schema": SCHEMA + 1}), "newer"),
    ],
)
def test_unreadable_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    folder = RunFolder(tmp_path)
    folder.records_file.write_text(line + "\n")
    with pytest.raises(UsageError, match=message):
        folder.records()


def test_a_value_that_is_not_finite_is_never_written(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer() as writer, pytest.raises(ValueError, match="JSON"):
        writer.write({"accuracy": float("nan")})
    assert folder.records() == []


def test_find_runs(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_runs(tmp_path / "missing")
    with pytest.raises(UsageError, match="no records here"):
        find_runs(tmp_path)
    for name in ("b", "a"):
        write(RunFolder(tmp_path / name), {"key": name})
    assert [run.path.name for run in find_runs(tmp_path)] == ["a", "b"]
    assert [run.path.name for run in find_runs(tmp_path / "a")] == ["a"]
