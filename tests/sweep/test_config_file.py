"""Files of a configuration: found, read, or one line that says why not."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.errors import UsageError
from bench.sweep.config import load_config

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "expected keys and values"),
        ("a: [1\n", "not readable as YAML"),
        ("1: 3\n", "key 1 is not text"),
        ("domain: {folder: photos}\n", "domain = {'folder': 'photos'}: expected a text, or a list of them$"),
        ("seed: 1\nseed: 2\n", "line 2: key 'seed' is given twice"),
        (None, "no such file"),
    ],
)
def test_unreadable_files_are_one_clear_line(tmp_path: Path, text: str | None, message: str) -> None:
    file = tmp_path / "sweep.yaml"
    if text:
        file.write_text(text)
    with pytest.raises(UsageError, match=message) as caught:
        load_config({}, file)
    assert "\n" not in str(caught.value)


def test_a_built_in_configuration_is_found_by_name_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "quick").mkdir()
    config = load_config({}, Path("quick"))
    assert config == load_config({}, ROOT / "configs" / "quick.yaml")
    assert config != load_config({})


def test_a_folder_is_told_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"^--config {tmp_path}: is a folder; expected a file$"):
        load_config({}, tmp_path)
    (tmp_path / "run.json").touch()
    with pytest.raises(UsageError, match=f"did you mean {tmp_path}/run.json"):
        load_config({}, tmp_path)


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 300, "a\0b", "\udce9", "/dev/zero", "a\nb"])
def test_a_file_that_cannot_be_is_one_short_line(name: str) -> None:
    with pytest.raises(UsageError, match=r"^--config ") as caught:
        load_config({}, Path(name))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_file_of_your_own_wins_over_the_built_in_configuration_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("quick").write_text("out: mine\n")
    assert load_config({}, Path("quick")).out == "mine"


@pytest.mark.parametrize("written", ["include: mine.py", "include: [mine.py]", 'include: " mine.py,"'])
def test_a_plug_in_may_lie_beside_the_file_that_includes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "sweep.yaml").write_text(written + "\n")
    (tmp_path / "sub" / "mine.py").touch()
    monkeypatch.chdir(tmp_path)
    assert load_config({}, Path("sub/sweep.yaml")).include == (str(Path("sub/mine.py")),)
    Path("mine.py").touch()
    assert load_config({}, Path("sub/sweep.yaml")).include == ("mine.py",)
    Path("mine.py").unlink()
    (tmp_path / "sub" / "mine.py").unlink()
    assert load_config({}, Path("sub/sweep.yaml")).include == ("mine.py",)


def test_what_a_built_in_study_includes_is_found_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (plug_in,) = load_config({}, Path("studies/sbert")).include
    assert Path(plug_in).samefile(ROOT / "configs" / "studies" / "features.py")


@pytest.mark.parametrize("name", ["quikc", "../configs/quick", str(ROOT / "configs" / "quick"), "studies"])
def test_a_name_that_is_neither_file_nor_built_in_lists_what_there_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=f"--config {re.escape(name)}: no such file; .*default, quick") as caught:
        load_config({}, Path(name))
    assert "\n" not in str(caught.value)


def stored(folder: Path, **changes: object) -> Path:
    """The header of a run on another machine."""
    config = load_config({"fusion": "abs_diff,concat", "seed": "0..2", "recipe": {"lr": 0.1}, "out": "results/before"})
    of_that_machine = {"jobs": 64, "store": "s3://theirs/sweep"}
    header = {"schema": 1, "created": "2026-03-01", "config": {**config.model_dump(), **of_that_machine}, "earlier": []}
    file = folder / "run.json"
    file.write_text(json.dumps(header | changes))
    return file


def test_a_stored_run_is_a_configuration(tmp_path: Path) -> None:
    config = load_config({"out": "results/again"}, stored(tmp_path))
    expected = {"fusion": "abs_diff,concat", "seed": "0..2", "recipe": {"lr": 0.1}, "out": "results/again"}
    assert config == load_config(expected)  # and jobs is as many as this machine holds, and store none


def test_a_stored_run_over_replicates_is_a_configuration(tmp_path: Path) -> None:
    asked = load_config({"fusion": "concat", "replicates": 3})
    file = stored(tmp_path, config=asked.model_dump())
    assert load_config({}, file) == asked
    assert load_config({"seed": "0..1"}, file).repetitions == (0, 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 99}, "schema 99 is newer"),
        ({"schema": None}, "no schema number"),
        ({"config": [1]}, "holds no keys and values"),
        ({"config": {"fusion": "all", "fusoin": 1}}, "unknown key 'fusoin'; did you mean 'fusion'"),
        ({"config": {"seed": [-1]}}, "-1 is not a seed"),
    ],
)
def test_a_stored_run_of_another_version_is_one_line(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    file = stored(tmp_path, **changes)
    with pytest.raises(UsageError, match=rf"{file}: .*{message}") as caught:
        load_config({}, file)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "NaN", '{"seed": NaN}', '{"seed": 1, "seed": 2}', "[" * 100_000, "9" * 5000, '{"\\ud800": 1}'],
)
def test_damaged_json_is_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=str(file)) as caught:
        load_config({}, file)
    assert str(caught.value).isprintable()
