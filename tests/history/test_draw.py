"""The draw of test pairs that all seeds share enters the intervals of a history as of a report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.history.versions import read_versions
from bench.records.load import load_runs
from bench.report.history_block import reading
from bench.report.report import build
from bench.verdicts.history import History, histories_of

PAIRS, SEEDS = 400, 4
LABEL = np.arange(PAIRS) % 2
SIGN = np.where(LABEL == 1, 1, -1)


@pytest.fixture
def write(record: Any, run_folder: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a run of one fusion with its scores: which pairs are told right, (seeds, pairs)."""

    def make(name: str, right: Any, **fields: Any) -> Path:
        keys = [f"{seed:016x}" for seed in range(SEEDS)]
        records = [
            record("a", seed, float(right[seed].mean()), **fields) | {"key": key} for seed, key in enumerate(keys)
        ]
        created = f"2026-03-0{1 + (name == 'new')}T00:00:00+00:00"
        header = {"schema": 1, "created": created, "config": {}, "hardware": {}}
        folder = run_folder(records, name, header)
        (folder / "scores").mkdir()
        for key, values in zip(keys, right, strict=True):
            scores = {"color": np.where(values, 1.0, -1.0) * SIGN, "color/label": LABEL}
            np.savez(folder / "scores" / f"{key}.npz", **scores)
        return folder

    return make


@pytest.fixture
def answers() -> tuple[Any, Any]:
    """Of an older and a newer version, (seeds, pairs): most pairs are right or wrong whatever the seed."""
    generator = np.random.default_rng(0)
    hard, noise = generator.random(PAIRS), generator.random((2, SEEDS, PAIRS))
    return tuple(hard + 0.05 * noise[at] < level for at, level in enumerate((0.8, 0.85)))  # type: ignore[return-value]


def history_of(*paths: Path) -> History:
    runs = read_versions(paths, 9).runs
    (history,) = histories_of(runs, "accuracy", {cell.group for run in runs for cell in run.cells})
    return history


def half_width(values: Any) -> float:
    """Of the mean of values (seeds, pairs), of which both are drawn, as many same pairs as different ones."""
    own = values.mean(axis=1).var(ddof=1) / SEEDS
    means = values.mean(axis=0)
    centred = means - np.array([means[label == LABEL].mean() for label in (0, 1)])[LABEL]
    shared = (centred**2).sum() / PAIRS**2 * PAIRS / (PAIRS - 1)
    freedom = (own + shared) ** 2 / (own**2 / (SEEDS - 1) + shared**2 / (PAIRS - 1))
    return float(stats.t.ppf(0.975, freedom) * np.sqrt(own + shared))


def test_intervals_are_those_of_the_report_of_each_run(write, answers) -> None:
    folders = [write(name, right) for name, right in zip(("old", "new"), answers, strict=True)]
    (course,) = history_of(*folders).courses
    for at, (folder, right) in enumerate(zip(folders, answers, strict=True)):
        (entry,) = build(load_runs([folder]), ["accuracy"], []).entries
        assert course.half_width[at] == pytest.approx(entry.half_width("color", "accuracy"))
        assert course.half_width[at] == pytest.approx(half_width(right.astype(float)))
    assert "It includes the draw of test pairs" in reading([history_of(*folders)])


def test_a_change_knows_that_both_versions_saw_the_same_pairs(write, answers) -> None:
    folders = [write(name, right) for name, right in zip(("old", "new"), answers, strict=True)]
    (course,) = history_of(*folders).courses
    old, new = (right.astype(float) for right in answers)
    assert course.change.half_width == pytest.approx(half_width(new - old))


def test_a_change_between_other_pairs_has_the_draws_of_both(write, answers) -> None:
    old, new = (right.astype(float) for right in answers)
    folders = [
        write(name, right, data={"color": {"version": version}})
        for version, (name, right) in enumerate(zip(("old", "new"), answers, strict=True))
    ]
    (apart,) = history_of(*folders).courses
    assert apart.change.half_width > half_width(new - old)
    assert apart.change.half_width > half_width(new)


def test_versions_without_scores_are_named(write, answers, tmp_path: Path) -> None:
    folders = [write(name, right) for name, right in zip(("old", "new"), answers, strict=True)]
    shutil.rmtree(folders[0] / "scores")
    history = history_of(*folders)
    (course,) = history.courses
    plain = answers[0].mean(axis=1)
    assert course.half_width[0] == pytest.approx(stats.t.ppf(0.975, SEEDS - 1) * stats.sem(plain))
    assert "It leaves out the draw of test pairs, which all seeds share, in old as no scores" in reading([history])
    committed = tmp_path / "base.jsonl"
    committed.write_bytes((folders[1] / "records.jsonl").read_bytes())
    # Scores of a folder with its name are not its own.
    shutil.copytree(folders[1], tmp_path / "base")
    assert "which all seeds share, as no scores are stored" in reading([history_of(committed)])


def test_replicates_share_no_draw(write, answers) -> None:
    folders = [write(name, right, repeats="replicate") for name, right in zip(("old", "new"), answers, strict=True)]
    history = history_of(*folders)
    assert not history.without_draw
    assert "draw of test pairs" not in reading([history])
    assert "interval over replicates, the" in reading([history])
    assert "paired by replicate;" in reading([history])
