"""Records survive the death of their writer and refuse what they cannot read."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.records.folder import RunFolder, find_runs, latest
from bench.records.record import SCHEMA, Attempt, Record


def write(folder: RunFolder, *records: dict[str, object]) -> None:
    with folder.writer() as writer:
        for record in records:
            writer.write(record)


def test_what_is_written_is_read_back_in_order(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    write(folder, record(key="a", seed=1), record(key="b", seed=2))
    write(folder, record(key="a", seed=3))
    assert [one.seed for one in folder.records(Record)] == [1, 2, 3]
    assert {key: one.seed for key, one in latest(folder.records(Record)).items()} == {"b": 2, "a": 3}


@given(cut=st.integers(min_value=0))
def test_a_file_cut_anywhere_loses_at_most_the_torn_line(
    record, tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    write(folder, *(record(key=str(n), accuracy=None, status="error", message="x" * n) for n in range(5)))
    content = folder.records_file.read_bytes()
    kept = content[: cut % (len(content) + 1)]
    folder.records_file.write_bytes(kept)
    assert len(folder.records(Attempt)) == kept.count(b"\n")
    write(folder, record(key="next"))
    assert len(folder.records(Attempt)) == kept.count(b"\n") + 1
    assert folder.records(Attempt)[-1].key == "next"


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer(), pytest.raises(UsageError, match="another run is writing"), RunFolder(tmp_path).writer():
        pytest.fail("two writers at once")


def test_a_folder_without_a_file_has_no_records(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).records(Attempt) == []


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
        folder.records(Attempt)


def test_what_no_reader_would_take_is_never_written(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer() as writer:
        with pytest.raises(ValueError, match="JSON"):
            writer.write(record(accuracy=float("nan")))
        with pytest.raises(UsageError, match=r"the new record: record \w+: seed: '1' is not a whole number"):
            writer.write({**record(), "seed": "1"})
    assert folder.records(Attempt) == []


def test_find_runs(record, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_runs(tmp_path / "missing")
    with pytest.raises(UsageError, match="no records here"):
        find_runs(tmp_path)
    for name in ("b", "a"):
        write(RunFolder(tmp_path / name), record(key=name))
    assert [run.path.name for run in find_runs(tmp_path)] == ["a", "b"]
    assert [run.path.name for run in find_runs(tmp_path / "a")] == ["a"]
