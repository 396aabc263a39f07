"""Where versions come from: a real repository, run folders, and what cannot be read."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UsageError
from bench.history.versions import read_versions
from bench.metrics import metric_position
from bench.verdicts.history import names_of

Write = Callable[[Iterable[dict[str, Any]]], Path]


def text(records: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(one) + "\n" for one in records)


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path / "kept" / "base.jsonl"


@pytest.fixture
def commit(tmp_path: Path, baseline: Path) -> Callable[[str, str], None]:
    """Writes the baseline and commits it, a day later each time, or later in the same second."""
    days = iter([1, 2, 3, 3, 3, 3])

    def git(*line: str, day: int = 1) -> None:
        who = [f"GIT_{one}_{what}" for one in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL", "DATE")]
        env = {name: f"2026-01-{day:02}T23:00:00-0500" if name.endswith("DATE") else "test" for name in who}
        subprocess.run(["git", "-C", str(tmp_path), *line], env={"PATH": "/usr/bin:/bin", **env}, check=True)

    git("init", "--quiet")

    def run(content: str, subject: str) -> None:
        baseline.write_text(content)
        git("add", ".")
        git("commit", "--quiet", "-m", subject, day=next(days))

    return run


def accuracies(runs) -> list[list[float | None]]:
    return [[cell.eval["color"].values[metric_position("accuracy")] for cell in run.cells] for run in runs]


def test_each_commit_that_changed_the_file_is_a_version(commit, baseline: Path, record, tmp_path: Path) -> None:
    commit(text([record("a", 0, 0.7)]), "first, not counted")
    commit(text([{"schema": 1, "cells": 2}, record("a", 0, 0.8), record("a", 1, 0.9)]), "second; | and <b>")
    (tmp_path / "other").write_text("of another file")
    commit("{broken\n", "damaged")
    baseline.write_text(text([record("a", 0, 0.6)]))
    found = read_versions([baseline], 9)
    assert accuracies(found.runs) == [[0.7], [0.8, 0.9], [0.6]]
    assert [run.header["subject"] for run in found.runs[:2]] == [
        "first, not counted",
        "second; | and <b>",
    ]
    # 23:00 in New York.
    assert found.runs[0].header["created"] == "2026-01-02T04:00:00+00:00"
    assert names_of(found.runs)[2] == "now"
    (left_out,) = found.left_out
    assert left_out.endswith("line 1: not a JSON record")
    commit(baseline.read_text(), "what was new is committed")
    commit(text([record("a", 0, 0.5)]), "of the same second")
    assert accuracies(read_versions([baseline], 9).runs) == [[0.7], [0.8, 0.9], [0.6], [0.5]]


def test_runs_stand_by_when_they_were_started(run_folder, record, baseline: Path) -> None:
    header = {"schema": 1, "config": {}, "hardware": {}}
    for name, day, accuracy in (("z", "01", 0.7), ("a", "02", 0.8)):
        run_folder([record("a", 0, accuracy)], name, header | {"created": f"2026-03-{day}T00:00:00+00:00"})
    # Git knows nothing of it: it is what there is now.
    baseline.write_text(text([record("a", 0, 0.9)]))
    folder = baseline.parents[1]
    found = read_versions([baseline, folder / "a", folder / "z"], 9)
    assert names_of(found.runs) == ["z", "a", "base.jsonl"]
    assert accuracies(found.runs) == [[0.7], [0.8], [0.9]]
    assert accuracies(read_versions([baseline, folder / "a", folder / "z"], 2).runs) == [[0.8], [0.9]]
    assert names_of(read_versions([folder / "a", folder / "z", folder / "a"], 9).runs) == ["z", "a"]


def test_what_is_no_history_is_refused(tmp_path: Path, baseline: Path) -> None:
    baseline.write_text('{"schema":1,"cells":0}\n')
    for path, message in ((tmp_path / "x.csv", "expected a run folder or a .jsonl"), (baseline, "no records in it")):
        with pytest.raises(UsageError, match=message):
            read_versions([path], 9)
