"""``bench data`` lists what domains read of packages, and ``bench data install`` says what it cannot fetch."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.domain import clear_identities

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Square brackets are no markup.
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path / "[red]"))
    monkeypatch.chdir(tmp_path)
    clear_identities()


def test_it_lists_licence_size_and_where_each_was_looked_for(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    assert bench("data", "--format", "json") == 0
    needs = {entry["package"]: entry for entry in json.loads(capsys.readouterr().out)}
    openmoji = needs["@iconify-json/openmoji"]
    assert (openmoji["domain"], openmoji["client"], openmoji["licence"]) == ("emoji", "npm", "CC-BY-SA-4.0")
    assert openmoji["installed"] == ""
    assert openmoji["looked_in"][-1] == str(tmp_path / "node_modules" / "@iconify-json" / "openmoji")
    assert bench("data") == 0
    listed = capsys.readouterr().out
    (line,) = [line for line in listed.splitlines() if "@iconify-json/openmoji 1.2.29" in line]
    assert "1.3 MB" in line
    assert "no; looked in" in line
    assert "/[red]/" in "".join(part.rpartition("  ")[2].strip() for part in listed.splitlines())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data", "install", "color"), "color reads no packages; those that do: "),
        (("data", "install", "emojis"), "unknown domain 'emojis': did you mean emoji"),
        (("audit", "emoji"), "run bench data install emoji"),
        (("data", "install", "emoji"), "npm is not installed"),
    ],
)
def test_what_cannot_be_had_is_one_line(
    bench: Bench, capsys: Captured, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert bench(*arguments) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if not line.endswith(" ...")]
    assert said in line
