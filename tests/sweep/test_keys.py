"""Keys of cells are as published: results of long studies are found by them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from bench.sweep import cell

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    where = importlib.util.spec_from_file_location("freeze_keys", ROOT / ".ci" / "freeze_keys.py")
    assert where is not None
    assert where.loader is not None
    loaded = importlib.util.module_from_spec(where)
    where.loader.exec_module(loaded)
    return loaded


def test_keys_and_sources_are_those_published(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--check"]) == 0, capsys.readouterr().out


@pytest.fixture
def few(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A published list of three cells."""
    monkeypatch.setattr(script, "CONFIGURATIONS", ({"fusion": "abs_diff,concat,cosine", "seed": "0"},))
    file = tmp_path / "keys.json"
    assert script.main(["--write", "--file", str(file)]) == 0
    return file


def test_a_key_that_changes_silently_is_named_and_not_overwritten(
    script: ModuleType, few: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = few.read_text()
    monkeypatch.setattr(cell.Recipe, "identity", lambda recipe: {"a field": "more"})
    for action in ("--check", "--write"):
        assert script.main([action, "--file", str(few)]) == 1
        assert capsys.readouterr().out.count("HARNESS is still 1: stored results would not be found") == 3
    assert few.read_text() == before


def test_a_raised_harness_allows_it(script: ModuleType, few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cell, script):
        monkeypatch.setattr(module, "HARNESS", cell.HARNESS + 1)
    before = json.loads(few.read_text())["keys"]
    assert script.main(["--check", "--file", str(few)]) == 1
    assert script.main(["--write", "--file", str(few)]) == 0
    assert not {*before.values()} & {*json.loads(few.read_text())["keys"].values()}


def test_the_source_of_a_plug_in_is_told_apart_from_the_keys(
    script: ModuleType, few: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    published = json.loads(few.read_text())
    published["sources"]["fusion abs_diff"] = "another"
    few.write_text(json.dumps(published))
    assert script.main(["--check", "--file", str(few)]) == 1
    assert capsys.readouterr().out.startswith("fusion abs_diff: the source changed, so its cells will run again")
