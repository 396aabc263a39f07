"""``bench export``: records and models for other programs."""

from __future__ import annotations

import builtins
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench import api
from bench.models.files import stored_models

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def folder(run_folder: Callable[..., Path], sweep: list[dict[str, Any]]) -> Path:
    return run_folder(sweep)


def test_csv_on_stdout_holds_the_frame(bench: Bench, capsys: Captured, folder: Path) -> None:
    assert bench("export", "records", folder) == 0
    printed = capsys.readouterr()
    read = pd.read_csv(io.StringIO(printed.out), dtype={"recipe_id": str})
    expected = api.load(folder).frame()
    assert list(read.columns) == list(expected.columns)
    assert read["accuracy"].tolist() == pytest.approx(expected["accuracy"].tolist(), nan_ok=True)
    assert printed.err == ""


def test_parquet_keeps_types(bench: Bench, capsys: Captured, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    file = tmp_path / "records.parquet"
    assert bench("export", "records", folder, "--format", "parquet", "--out", file) == 0
    assert capsys.readouterr().err == f"wrote {file}\n"
    pd.testing.assert_frame_equal(pd.read_parquet(file), api.load(folder).frame())


def test_bad_input_is_one_line(bench: Bench, capsys: Captured, folder: Path, tmp_path: Path) -> None:
    for arguments, message in {
        ("--format", "parquet"): "--format parquet is not text: give --out FILE",
        ("--format", "xlsx"): "--format: unknown 'xlsx'; allowed: csv, parquet",
        ("--out", folder / "run.json" / "file.csv"): f"{folder}/run.json: exists and is no folder",
    }.items():
        assert bench("export", "records", folder, *arguments) == 2
        assert capsys.readouterr() == ("", f"bench: {message}\n")


def test_without_pyarrow_it_says_what_to_install(
    bench: Bench, capsys: Captured, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return found(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert bench("export", "records", folder, "--format", "parquet", "--out", tmp_path / "a.parquet") == 2
    assert "pip install 'fusebench[parquet]'" in capsys.readouterr().err


def test_where_no_model_can_be_written_is_told_before_it_is_traced(
    bench: Bench, capsys: Captured, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.models.export.export", lambda *asked: pytest.fail("it was traced"))
    assert bench("export", "model", stored_models(kept / "models")[0], "--out", tmp_path) == 2
    assert capsys.readouterr() == ("", f"bench: {tmp_path}: is a folder; expected a file\n")
