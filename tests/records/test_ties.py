"""Tie groups of records: which runs are paired, whom a table marks, and that every reader says the same."""

import csv
import io
import json

import numpy as np
import pytest

from bench.records.blocks import score_table
from bench.records.entries import entries_of
from bench.records.leaderboard import read_rows
from bench.records.load import load_runs, pool
from bench.records.ties import tie_groups

LEVELS = {"best": (0.95, 0.94, 0.96), "close": (0.948, 0.945, 0.952), "far": (0.75, 0.741, 0.759)}


@pytest.fixture
def entries(run_folder):
    return lambda records: entries_of(pool(load_runs([run_folder(records)])).cells)


@pytest.fixture
def three(record):
    return [
        record(name, seed, value, abroad={"texture": 0.5 + value / 10})
        for name, values in LEVELS.items()
        for seed, value in enumerate(values)
    ]


def test_scores_stand_in_rows_of_blocks(record, entries):
    records = [record("a", 0, 0.9), record("a", 1, 0.8), record("b", 1, 0.7), record("b", 2, status="diverged")]
    table = score_table(entries(records), [("color", "accuracy"), ("color", "f1")])
    np.testing.assert_allclose(table[..., 0], [[0.9, np.nan], [0.8, 0.7]])
    np.testing.assert_allclose(table[..., 1], [[0.89, np.nan], [0.79, 0.69]])


def test_runs_of_a_block_that_may_not_be_paired_stand_in_rows_of_their_own(record, entries):
    def warm(quality):
        return {"warmup": {"task": "names", "seed": 0} | ({"quality": quality} if quality else {})}

    qualities = {"a": 0.8, "b": 0.7, "c": 0.7, "d": None}
    found = entries([record(name, 0, 0.9, **warm(quality)) for name, quality in qualities.items()])
    table = score_table(found, [("color", "accuracy")])[..., 0]
    # What a run does not tell is the usual one.
    assert (~np.isnan(table)).tolist() == [[True, False, False, False], [False, True, True, True]]


def test_nobody_is_best_where_nobody_learned(record, entries):
    chance = entries([record(name, seed, 0.5 + seed / 1000) for name in "ab" for seed in range(3)])
    assert not tie_groups(chance, "color", ["accuracy"]).any()


def test_csv_json_and_the_file_beside_the_records_say_who_ties(three, record, run_folder, bench_report):
    folder = run_folder([*three, record("noise", 0, 0.99, family="control")])
    printed = list(csv.DictReader(io.StringIO(bench_report(folder, "--format", "csv").stdout)))
    said = {(row["fusion"], row["eval_domain"]): (row["tie_group"], row["tie_group_by"]) for row in printed}
    assert said == {
        **{(name, domain): ("True", "accuracy") for name in ("best", "close") for domain in ("color", "texture")},
        **{("far", domain): ("False", "accuracy") for domain in ("color", "texture")},
        ("noise", "color"): ("", ""),
    }
    read = read_rows(folder / "leaderboard.csv")
    assert [row["tie_group"] for row in read if row["eval_domain"] == "color"] == [True, True, False, None]
    rows = json.loads(bench_report(folder, "--format", "json", "--metric", "brier").stdout)["rows"]
    by_brier = {row["fusion"] for row in rows if row["tie_group"] and row["eval_domain"] == "color"}
    assert by_brier == {"far"}
    assert {row["tie_group_by"] for row in rows} == {"brier", None}
