import io
import os
import re

import pandas as pd
import pytest
from scipy import stats

from bench.errors import UsageError
from bench.records import leaderboard
from bench.records.entries import entries_of
from bench.records.leaderboard import ADDED, COLUMNS, group_of, read_rows
from bench.records.load import load_runs, pool
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
    assert tuple(frame.columns) == leaderboard.columns()
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"``([^`]*)``", leaderboard.__doc__))))
    statistics = {f"{metric}_{statistic}" for metric in leaderboard.FIRST_METRICS for statistic in ("mean", "hw", "sd")}
    assert set(leaderboard.COLUMNS) - statistics <= documented
    assert frame.schema.tolist() == [1]


def test_a_metric_of_later_stands_at_the_end_whatever_else_is_added(plugin, run_folder, record, bench_report):
    before = leaderboard.columns()
    later = before[len(leaderboard.COLUMNS) :]
    assert before == (*leaderboard.COLUMNS, *later)
    plugin(
        """
        from bench.metrics import LOWER, Metric, register_metric


        @register_metric
        class Mine(Metric):
            '''Half of it.'''

            name, direction = "mine", LOWER

            def compute(self, scored):
                raise AssertionError("a reader computes nothing")
        """
    )
    folder = run_folder([record(), record("concat")])
    lines = [bench_report(folder, "--format", "csv", *more).stdout for more in ((), ("--baseline", "abs_diff"))]
    added = ("mine_mean", "mine_hw", "mine_sd")
    assert tuple(lines[0].splitlines()[0].split(",")) == (*before, *added)
    assert tuple(lines[1].splitlines()[0].split(",")) == (*leaderboard.COLUMNS, *COMPARED, *later, *added)


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
    assert "leaderboard.csv: Permission denied" in result.stderr
    assert "warning" not in result.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["records.jsonl", "run.json"]


@pytest.fixture
def entries(sweep, record, run_folder):
    cold = record("sum", warmup={"task": "none"}, symmetric=None, family="")
    return entries_of(pool(load_runs([run_folder([*sweep, cold])])).cells)


def test_what_is_read_is_what_was_written(entries, tmp_path):
    file = tmp_path / "leaderboard.csv"
    written = leaderboard.rows(entries)
    file.write_text(leaderboard.to_csv(written))
    assert read_rows(file) == written
    assert {group_of(row) for row in read_rows(file)} == {entry.group for entry in entries}


def test_files_of_before_a_column_was_added_are_read(entries, tmp_path):
    file = tmp_path / "leaderboard.csv"
    written = leaderboard.rows(entries)
    frame = pd.read_csv(io.StringIO(leaderboard.to_csv(written)), dtype=str, keep_default_na=False)
    frame.drop(columns=list(ADDED)).to_csv(file, index=False)
    assert read_rows(file) == [row | dict.fromkeys(ADDED) | {"repeats": "seed"} for row in written]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a leaderboard.csv as bench report writes it: no column 'schema'"),
        ("a,b\n1,2\n", "no column 'schema'"),
        ("schema,fusion\n7,concat\n", r", line 2: schema 7 is newer than .* reads \(1\)"),
        ("schema,fusion\n,concat\n", ", line 2: no schema number"),
        ("schema,fusion\none,concat\n", ", line 2: schema 'one' is not a whole number"),
        ("schema,fusion\n1,concat\n", "no column 'family'"),
        (",".join(COLUMNS) + "\n", "no lines"),
        (
            ",".join(COLUMNS) + "\n1" + ",x" * (len(COLUMNS) - 1) + "\n",
            "line 2: symmetric: a number was expected, got 'x'",
        ),
        ("\x00\xff", "not a leaderboard.csv"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, text, message):
    file = tmp_path / "wrong.csv"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(UsageError, match=f"wrong.csv.*{message}"):
        read_rows(file)


def test_a_missing_file_is_explained(tmp_path):
    with pytest.raises(UsageError, match=r"gone.csv: No such file"):
        read_rows(tmp_path / "gone.csv")
