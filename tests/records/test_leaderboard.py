import io
import os
import re

import pandas as pd
import pytest
from scipy import stats

from bench.records import leaderboard
from bench.report.against_baseline import COMPARED


@pytest.fixture
def board(run_folder, bench_report):
    """The leaderboard.csv that a report leaves beside the records."""

    def read(records):
        folder = run_folder(records)
        assert bench_report(folder).exit_code == 0
        return pd.read_csv(folder / "leaderboard.csv")

    return read


def test_columns_are_stable_and_documented(board, record):
    frame = board([record()])
    assert tuple(frame.columns) == leaderboard.COLUMNS
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"``([^`]*)``", leaderboard.__doc__))))
    statistics = {f"{metric}_{statistic}" for metric in leaderboard.FIRST_METRICS for statistic in ("mean", "hw", "sd")}
    assert set(leaderboard.COLUMNS) - statistics <= documented
    assert frame.schema.tolist() == [1]


def test_a_metric_of_later_stands_at_the_end_whatever_else_is_added(plugin, run_folder, record, bench_report):
    before = leaderboard.columns()
    assert before == leaderboard.COLUMNS
    plugin(
        """
        from bench.metrics import LOWER, Metric, register_metric


        @register_metric
        class Mine(Metric):
            '''Half of it.'''

            name, direction = "mine", LOWER
        """
    )
    folder = run_folder([record(), record("concat")])
    lines = [bench_report(folder, "--format", "csv", *more).stdout for more in ((), ("--baseline", "abs_diff"))]
    added = ("mine_mean", "mine_hw", "mine_sd")
    assert tuple(lines[0].splitlines()[0].split(",")) == (*before, *added)
    assert tuple(lines[1].splitlines()[0].split(",")) == (*before, *COMPARED, *added)


def test_one_line_per_evaluated_domain_with_the_right_numbers(board, sweep):
    frame = board(sweep)
    flat = pd.DataFrame(
        {"fusion": r["fusion"], "backbone": r["backbone"], "eval_domain": domain, **metrics}
        for r in sweep
        for domain, metrics in r["eval"].items()
    )
    keys = ["fusion", "backbone", "eval_domain"]
    for key, values in flat.groupby(keys):
        (row,) = frame[(frame[keys] == list(key)).all(axis=1)].to_dict("records")
        for metric in ("accuracy", "auc", "brier", "swap_gap"):
            assert row[f"{metric}_mean"] == pytest.approx(values[metric].mean(), abs=1e-15)
            assert row[f"{metric}_sd"] == pytest.approx(values[metric].std(), abs=1e-15)
            expected = stats.t.ppf(0.975, len(values) - 1) * stats.sem(values[metric])
            assert row[f"{metric}_hw"] == pytest.approx(expected, abs=1e-12)
        assert row["n_seeds"] == len(values)
    assert len(frame) == 2 * 6 * 2 + 2


def test_conditions_outcome_and_costs(board, sweep):
    frame = board(sweep).set_index(["fusion", "backbone", "eval_domain"])
    row = frame.loc["hadamard", "resnet18", "texture"]
    assert (row.domain, row.protocol, row.warmup, row.recipe_id) == ("color", "finetune", "names", "bbbbbbbb")
    assert (row.train_pairs, row.test_pairs, row.seeds, row.n_seeds) == (12800, 2000, "0 2", 2)
    assert (row.n_failed, row.failures) == (1, "diverged")
    assert (row.parameters, row.macs, row.train_pairs_per_s) == (260749, 7850880, 561.1)
    assert frame.loc["early", "resnet18", "color"].n_at_chance == 3
    refused = frame.loc["joint_tokens", "resnet18", "color"]
    assert refused.not_applicable == "needs transformer blocks"
    assert refused.n_seeds == 0
    assert pd.isna(refused.accuracy_mean)
    assert frame.loc["single_image", "resnet18", "color"].family == "control"


def test_csv_of_one_run_is_the_file_beside_its_records(sweep, run_folder, bench_report):
    folder = run_folder(sweep)
    printed = bench_report(folder, "--format", "csv").stdout
    assert printed == (folder / "leaderboard.csv").read_text()


def test_several_runs_are_pooled_on_stdout_and_apart_on_disk(record, run_folder, bench_report):
    first = run_folder([record(seed=0), record(seed=1)], "first")
    second = run_folder([record(seed=2)], "second")
    frame = pd.read_csv(io.StringIO(bench_report(first.parent, "--format", "csv").stdout))
    assert frame.seeds.tolist() == ["0 1 2"]
    assert pd.read_csv(first / "leaderboard.csv").seeds.tolist() == ["0 1"]
    assert pd.read_csv(second / "leaderboard.csv").seeds.tolist() == [2]


def test_a_folder_that_cannot_be_written_is_a_warning(record, run_folder, bench_report, monkeypatch):
    folder = run_folder([record()])

    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    result = bench_report(folder)
    assert result.exit_code == 0
    assert "leaderboard.csv not written: Permission denied" in result.stderr
    assert "warning" not in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["records.jsonl", "run.json"]
