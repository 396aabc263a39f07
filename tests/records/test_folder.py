"""Records survive the death of their writer and refuse what they cannot read."""

import errno
import gzip
import json
import os
import shutil
import signal
import time
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import StorageError, UsageError
from bench.records import append
from bench.records.folder import RunFolder, find_runs, latest
from bench.records.lines import lost_lines
from bench.records.load import load_runs
from bench.records.record import SCHEMA, Attempt, DetailedRecord, Record


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


def test_a_resumed_sweep_holds_no_more_than_it_needs(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(folder, record(key="a", seed=1))
    (one,) = folder.records(Attempt)
    (whole,) = folder.records(Record)
    assert type(one) is Attempt
    assert all(getattr(one, name) == getattr(whole, name) for name in Attempt.__slots__)


def packed(folder: Path) -> RunFolder:
    plain = folder / "records.jsonl"
    (folder / "records.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return RunFolder(folder)


def test_packed_records_are_read_as_others_and_never_added_to(record, tmp_path: Path) -> None:
    plain = RunFolder(tmp_path / "runs" / "one")
    write(plain, record(key="a", seed=1), record(key="a", seed=2), record(key="b", seed=3))
    before, written = load_runs([plain.path])[0].cells, plain.written()
    folder = packed(plain.path)
    assert (load_runs([plain.path.parent])[0].cells, folder.written()) == (before, written)
    content = folder.records_file.read_bytes()
    with pytest.raises(UsageError, match=r"records\.jsonl\.gz: packed to be read; gunzip it"), folder.writer():
        pass
    assert sorted(file.name for file in folder.path.iterdir() if file.suffix != ".lock") == ["records.jsonl.gz"]
    assert folder.records_file.read_bytes() == content


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: b"{}", lambda text: text[:30] + b"x" * 60])
def test_packed_records_that_are_damaged_are_one_line(record, tmp_path: Path, damage) -> None:
    write(RunFolder(tmp_path), *(record(key=str(n)) for n in range(5)))
    folder = packed(tmp_path)
    folder.records_file.write_bytes(damage(folder.records_file.read_bytes()))
    with pytest.raises(UsageError, match=r"^\S*records\.jsonl\.gz: [^\n]+$"):
        folder.records(Record)


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


@pytest.mark.parametrize("torn", [0, 1, 63, 64, 65, 500])
def test_a_torn_line_is_cut_off_however_long_it_is(
    record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, torn: int
) -> None:
    monkeypatch.setattr(append, "BLOCK_BYTES", 64)
    folder = RunFolder(tmp_path)
    write(folder, record(key="a"))
    whole = folder.records_file.read_bytes()
    for kept in (whole, b""):
        folder.records_file.write_bytes(kept + b"x" * torn)
        write(folder)
        assert folder.records_file.read_bytes() == kept


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer(), pytest.raises(UsageError, match="another run is writing"), RunFolder(tmp_path).writer():
        pytest.fail("two writers at once")


def test_a_folder_without_a_file_has_no_records(tmp_path: Path) -> None:
    assert RunFolder(tmp_path).records(Attempt) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{broken", "not a JSON record"),
        (b"\x00\xff\xfe", "not a JSON record"),
        (b"[1, 2]", "not a record of this program (no schema number)"),
        (json.dumps({"schema": SCHEMA + 1}).encode(), "schema 2 is newer than this version of fusebench reads (1)"),
        (json.dumps({"schema": SCHEMA, "key": "b"}).encode(), "record b: status is missing"),
    ],
)
def test_a_line_without_a_record_costs_its_own_cell_and_is_named(
    record, tmp_path: Path, line: bytes, problem: str
) -> None:
    folder = RunFolder(tmp_path)
    write(folder, record(key="a"), record(key="c"))
    first, last = folder.records_file.read_bytes().splitlines()
    folder.records_file.write_bytes(b"\n".join([first, line, last, b""]))
    for kind in (Attempt, DetailedRecord):
        reading = folder.read(kind)
        assert [one.key for one in reading.records] == ["a", "c"]
        (sentence,) = lost_lines(reading.damaged)
        start = f"1 line of {folder.records_file} could not be read and is left out: line 2: {problem}"
        assert sentence.startswith(start)
    write(folder, record(key="d"))
    assert [one.key for one in folder.records(Attempt)] == ["a", "c", "d"]


def test_of_a_damaged_attempt_no_earlier_one_counts_and_a_later_one_makes_all_well(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.records_file.write_text("".join(json.dumps(one) + "\n" for one in (
        record(key="a", status="error", accuracy=None), record(key="b"), record(key="a", accuracy=2.5),
    )))  # fmt: skip
    assert [one.key for one in folder.records(Attempt)] == ["b"]
    write(folder, record(key="a"))
    assert folder.read(Attempt).damaged == ()
    assert list(latest(folder.records(Attempt))) == ["b", "a"]


def test_of_many_damaged_lines_the_first_are_named(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write(folder, record(key="a"))
    with folder.records_file.open("a") as file:
        file.write("x\n" * 50)
    (sentence,) = lost_lines(folder.read(Attempt).damaged)
    assert "50 lines of " in sentence
    assert sentence.endswith("; line 4: not a JSON record; and 47 more")


def test_a_file_of_another_schema_is_refused_as_a_whole(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.records_file.write_text('{"schema": 2}\n{"schema": 2}\n')
    with pytest.raises(UsageError, match=r"records\.jsonl, line 1: schema 2 is newer"):
        folder.records(Attempt)


def test_what_no_reader_would_take_is_never_written(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer() as writer:
        for accuracy in (float("nan"), float("inf"), 2.5, object()):
            with pytest.raises(UsageError, match="the new record: "):
                writer.write(record(eval={"color": {"accuracy": accuracy, "n": 2}}))
        with pytest.raises(UsageError, match=r"the new record: record \w+: seed: '1' is not a count"):
            writer.write({**record(), "seed": "1"})
    assert folder.records(Attempt) == []


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)


@given(name=ANY_TEXT.filter(bool), message=ANY_TEXT)
def test_no_text_locks_the_folder(record, tmp_path_factory: pytest.TempPathFactory, name: str, message: str) -> None:
    folder = RunFolder(tmp_path_factory.mktemp("run"))
    error = {"type": "ValueError", "message": message, "traceback": message}
    tested = {name: {"n": 1, "accuracy": 0.5}}
    with folder.writer() as writer:
        written = writer.write(record(domain=name, eval=tested, error=error, data={name: {"version": 1}}))
    assert folder.records(DetailedRecord) == [written]
    assert list(written.eval) == list(written.data) == [written.domain]
    folder.records_file.read_text(encoding="utf-8")


def test_a_message_of_megabytes_is_cut(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    error = {"type": "ValueError", "message": "first " + "x" * 5_000_000, "traceback": "y" * 5_000_000 + " last"}
    write(folder, record(error=error, status="error"))
    assert folder.records_file.stat().st_size < 15_000
    (found,) = folder.records(Attempt)
    assert found.error["message"].startswith("first x")
    assert found.error["traceback"].endswith("y last")


def test_what_does_not_fit_on_the_disk_leaves_no_torn_line(record, tmp_path: Path, monkeypatch) -> None:
    folder = RunFolder(tmp_path)
    write_some, room = FileIO.write, iter([100, 0])

    class Full(FileIO):
        """A file on a disk with room for half a line."""

        def write(self, content):
            size = next(room)
            if not size:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write_some(self, content[:size])

    write(folder, record(key="a"))
    before = folder.records_file.read_bytes()
    monkeypatch.setattr(append, "FileIO", Full)
    with folder.writer() as writer, pytest.raises(StorageError, match=r"records\.jsonl: No space left on device"):
        writer.write(record(key="b"))
    assert folder.records_file.read_bytes() == before


def test_a_folder_that_is_removed_stops_the_writer(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    with folder.writer() as writer:
        writer.write(record(key="a"))
        shutil.rmtree(folder.path)
        with pytest.raises(StorageError, match=r"records\.jsonl: No such file"):
            writer.write(record(key="b"))


def test_a_process_that_the_writer_forked_does_not_keep_the_folder(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with folder.writer():
        child = os.fork()
        if not child:
            time.sleep(30)
            os._exit(0)
    try:
        write(folder, record())
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_what_killed_writers_left_half_done_is_swept(record, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.scores.mkdir()
    left = [folder.path / ".run.json.01.tmp", folder.scores / ".ab.npz.02.tmp"]
    for file in left:
        file.write_text("half")
    write(folder, record())
    assert not any(file.exists() for file in left)


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"schema": 1, "threads": [2]}', "threads: [2]: Input should be a valid integer"),
        (b'{"schema": 1, "hardware": {"cpu": "x", "gpus": 5}}', "hardware.gpus: 5: Input should be a valid list"),
        (b'{"schema": 1, "earlier": [{"created": null}]}', "earlier.0.created: None: Input should be a valid string"),
    ],
)
def test_a_damaged_header_is_kept_aside_when_the_run_goes_on(tmp_path: Path, header: bytes, problem: str) -> None:
    folder = RunFolder(tmp_path)
    folder.header_file.write_bytes(header)
    assert folder.header() == {"schema": SCHEMA, "damaged": problem}
    folder.write_header({"schema": SCHEMA, "earlier": [folder.header()]})
    assert folder.header()["earlier"] == [{"schema": SCHEMA, "damaged": problem}]
    assert (tmp_path / "run.json.damaged").read_bytes() == header


@pytest.mark.parametrize("name", ["records.jsonl", "run.json"])
def test_a_folder_in_place_of_a_file_is_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match=f"{name}: Is a directory"):
        (RunFolder(tmp_path).header(), RunFolder(tmp_path).records(Attempt))


def test_find_runs(record, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_runs(tmp_path / "missing")
    (tmp_path / "records.jsonl").touch()
    with pytest.raises(UsageError, match=r"records.jsonl: is a file; expected the folder of a run"):
        find_runs(tmp_path / "records.jsonl")
    (tmp_path / "records.jsonl").unlink()
    with pytest.raises(UsageError, match="no records here"):
        find_runs(tmp_path)
    for name in ("b", "a"):
        write(RunFolder(tmp_path / name), record(key=name))
    assert [run.path.name for run in find_runs(tmp_path)] == ["a", "b"]
    assert [run.path.name for run in find_runs(tmp_path / "a")] == ["a"]
