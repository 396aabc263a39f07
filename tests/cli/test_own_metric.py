"""The promise of ``docs/metrics.md``: a metric is one file outside the repository, and no committed file breaks."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench import zoo
from bench.gate.read import read_side
from bench.metrics import metric_names
from bench.records import leaderboard
from bench.records.leaderboard import read_rows
from bench.records.lines import read_records
from bench.records.record import Record

ROOT = Path(__file__).parents[2]
REFERENCE, SAMPLES = ROOT / "results" / "reference", ROOT / "tests" / "records" / "samples"
COMMITTED = [
    *sorted(REFERENCE.glob("*.csv")),
    *sorted(REFERENCE.glob("*.jsonl")),
    *sorted(SAMPLES.glob("*/*.csv")),
    *sorted(SAMPLES.glob("*/*.jsonl")),
]
BUILT_IN = leaderboard.columns()
COLUMNS = ["tpr_at_fpr1_mean", "tpr_at_fpr1_hw", "tpr_at_fpr1_sd"]
SCALE = "--protocol scratch --test-pairs 64 --jobs 0 --eval color --recipe train_pairs=64,batch_size=16,val_pairs=32"
Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def metric(tmp_path: Path, registries: None) -> Path:
    """The file that the documentation shows."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(), re.DOTALL)
    file = tmp_path / "tpr_at_fpr1.py"
    file.write_text(code)
    return file


def test_it_is_computed_shown_drawn_and_written_at_the_end(
    bench: Bench,
    process: Callable[..., subprocess.CompletedProcess[str]],
    capsys: Captured,
    metric: Path,
    tmp_path: Path,
    tables: Callable[[str], list[list[dict[str, str]]]],
) -> None:
    out, include = tmp_path / "run", ("--include", metric)
    assert bench("run", "--fusion", "abs_diff,concat", "--seed", "0,1", *SCALE.split(), *include, "--out", out) == 0
    records = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    values: dict[str, list[float]] = {}
    for record in records:
        scores = np.load(out / "scores" / f"{record['key']}.npz")
        label, own = scores["color/label"] == 1, scores["color"]
        value = record["eval"]["color"]["tpr_at_fpr1"]
        # With 32 different pairs a rate of 1 % is none of them.
        assert value == (own[label] > own[~label].max()).mean()
        values.setdefault(record["fusion"], []).append(value)
    capsys.readouterr()

    assert bench("report", out, "--metric", "tpr_at_fpr1,auc", *include) == 0
    fusions, apart = tables(capsys.readouterr().out)[:2]
    for row in fusions:
        assert row["tpr_at_fpr1 ↑"].strip("*").split()[0] == f"{np.mean(values[row['fusion'].split()[0]]):.3f}"
    assert apart[-1]["tpr_at_fpr1 ↑"] == "0.010"
    rows = list(csv.DictReader((out / "leaderboard.csv").open()))
    assert list(rows[0]) == [*BUILT_IN, *COLUMNS]
    assert {row["fusion"]: float(row[COLUMNS[0]]) for row in rows} == {
        name: pytest.approx(np.mean(own)) for name, own in values.items()
    }
    picture = tmp_path / "bars.png"
    assert bench("plot", out / "leaderboard.csv", "--kind", "bars", "--metric", "tpr_at_fpr1", "--out", picture) == 0
    assert picture.stat().st_size > 0

    # Whoever does not have the file reads the rest.
    done = process("report", out, "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].split(",") == list(BUILT_IN)
    assert all(row["accuracy_mean"] is not None for row in read_rows(out / "leaderboard.csv"))


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_committed_file_is_read_with_one_metric_more(path: Path, metric: Path) -> None:
    zoo.load([metric])
    if path.suffix == ".csv":
        rows = read_rows(path)
        assert all(row[name] is None for row in rows for name in COLUMNS)
        assert any(row["accuracy_mean"] is not None for row in rows)
        records = read_side(path).cells.values()
    else:
        records = read_records(path, Record).records
    found = [tested.values for record in records for tested in record.eval.values()]
    assert found
    assert {(len(values), values[-1]) for values in found} == {(len(metric_names()), None)}


def test_records_of_before_are_reported_without_a_value(
    bench: Bench, capsys: Captured, metric: Path, tmp_path: Path, tables: Callable[[str], list[list[dict[str, str]]]]
) -> None:
    run = shutil.copytree(SAMPLES / "schema-1", tmp_path / "run")
    before = list(csv.DictReader((run / "leaderboard.csv").open()))
    assert bench("report", run, "--metric", "accuracy,tpr_at_fpr1", "--include", metric) == 0
    rows = tables(capsys.readouterr().out)[0]
    assert {row["tpr_at_fpr1 ↑"] for row in rows} == {"-"}
    now = list(csv.DictReader((run / "leaderboard.csv").open()))
    assert [{name: row[name] for name in before[0]} for row in now] == before
    assert {row["tpr_at_fpr1_mean"] for row in now} == {""}


def test_what_cannot_be_shown_is_one_clear_line(bench: Bench, capsys: Captured, metric: Path, tmp_path: Path) -> None:
    board = REFERENCE / "zoo-color.csv"
    assert bench("plot", board, "--kind", "bars", "--metric", "tpr_at_fpr1", "--out", tmp_path / "x.png") == 2
    assert "unknown 'tpr_at_fpr1'" in capsys.readouterr().err
    named = ("--metric", "tpr_at_fpr1", "--include", metric)
    assert bench("plot", board, "--kind", "bars", *named, "--out", tmp_path / "x.png") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("no tpr_at_fpr1")
    assert bench("compare", board, board, *named) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "bench: --metric: unknown 'tpr_at_fpr1'; allowed: accuracy, balanced_accuracy, f1, auc"
    broken = tmp_path / "broken.py"
    broken.write_text("import no_such_module\n")
    assert bench("report", SAMPLES / "schema-1", "--metric", "mine", "--include", broken) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first == f"failed to load: {broken}: ModuleNotFoundError: No module named 'no_such_module'"
    assert second.startswith("bench: --metric: unknown 'mine'; allowed: accuracy, ")
