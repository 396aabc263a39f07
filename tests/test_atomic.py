"""Files that appear only when they are complete."""

import errno
import os
from pathlib import Path

import pytest

from bench.atomic import check_writable, remove_stale, write_atomically
from bench.errors import StorageError


def test_a_file_is_there_when_it_is_complete_and_nothing_else_is(tmp_path: Path) -> None:
    path = tmp_path / "card.json"

    def write(temporary: Path) -> None:
        assert temporary.parent == tmp_path
        assert not path.exists()
        temporary.write_text("done")

    write_atomically(path, write)
    assert path.read_text() == "done"
    assert list(tmp_path.iterdir()) == [path]


def test_a_name_may_be_as_long_as_the_file_system_takes(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write_atomically(path, lambda temporary: temporary.write_text("done"))
    assert path.read_text() == "done"


def test_what_fails_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    path.write_text("before")

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match=r"card.json: No space left on device"):
        write_atomically(path, write)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_whether_a_file_can_be_written_shows_before_there_is_one(tmp_path: Path) -> None:
    held = tmp_path / "held"
    held.write_text("before")
    for path in (held, tmp_path / "new" / "model.onnx", Path("/dev/null")):
        check_writable(path)
    assert held.read_text() == "before"
    assert sorted(tmp_path.rglob("*")) == [held, tmp_path / "new"]
    for path, why in (
        (tmp_path, "is a folder; expected a file"),
        (held / "model.onnx", "held: exists and is no folder"),
        (Path("/proc/model.onnx"), "/proc/model.onnx: "),
    ):
        with pytest.raises(StorageError, match=why):
            check_writable(path)


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    usual, path = tmp_path / "usual", tmp_path / "card.json"
    before = os.umask(0o027)
    try:
        usual.write_text("")
        write_atomically(path, lambda temporary: temporary.write_text("done"))
    finally:
        os.umask(before)
    assert path.stat().st_mode == usual.stat().st_mode


def test_what_a_killed_writer_left_is_removed_and_what_one_at_work_writes_is_not(tmp_path: Path) -> None:
    (tmp_path / ".card.json.0123.tmp").write_text("half")
    (tmp_path / "notes.tmp").write_text("of the user")

    def write(temporary: Path) -> None:
        temporary.write_text("half")
        remove_stale(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([temporary.name, "notes.tmp"])

    write_atomically(tmp_path / "card.json", write)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.json", "notes.tmp"]
