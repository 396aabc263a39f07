"""What a sweep says and writes down before its first cell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.errors import UsageError
from bench.sweep import run


def test_dry_run_lists_the_plan_and_writes_nothing(tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tiny(fusion=["concat", "two_channel"], protocol="frozen")
    assert run.run_sweep(config, ["bench"], Console(width=200), dry_run=True) == 0
    printed = capsys.readouterr().out
    assert "to run  concat" in printed
    assert "not applicable  two_channel" in printed
    assert not (tmp_path / "run").exists()


def test_a_command_that_runs_nothing_declares_nothing(sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep(equivalence_margin=1)
    header = (tmp_path / "run" / "run.json").read_text()
    sweep(equivalence_margin=9)
    assert (tmp_path / "run" / "run.json").read_text() == header
    # What is found not to apply is a record, and was asked for.
    sweep(fusion="abs_diff,image_diff", protocol="frozen")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["config"]["fusion"] == ["abs_diff", "image_diff"]
    header = (tmp_path / "run" / "run.json").read_text()
    # Without SLURM there is nothing to run it by.
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="executor slurm"):
        sweep(fusion="concat", executor="slurm", jobs=None)
    assert (tmp_path / "run" / "run.json").read_text() == header


def test_a_home_with_letters_beyond_english_is_left_out_too(sweep, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "jürgen"))
    sweep(out=str(tmp_path / "jürgen" / "work"))
    header = json.loads((tmp_path / "jürgen" / "work" / "run.json").read_text())
    assert header["config"]["out"] == "~/work"


def test_what_to_know_before_a_long_sweep_is_said(tiny, capsys: pytest.CaptureFixture[str]) -> None:
    config = tiny(backbone="timm:resnet10t", replicates=2, timeout="1m")
    run.run_sweep(config, ["bench"], Console(width=200), dry_run=True)
    printed = capsys.readouterr().out
    assert f"all of a replicate first: then bench report {config.out} has a whole table" in printed
    assert "executor inline knows no timeout" in printed
