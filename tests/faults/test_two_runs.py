"""Two runs in one folder at once, and a clock that was set back between them."""

from __future__ import annotations

import csv
from collections import Counter
from typing import Any

import pytest

pytestmark = pytest.mark.faults

RUN = ("run", "--config", "tiny.yaml", "--jobs", 1, "--out", "run")


@pytest.mark.usefixtures("whole")
def test_the_second_run_in_a_folder_is_refused(program: Any, tools: Any) -> None:
    first = program.start(*RUN, "--seed", "0..3")
    first.wait_until(lambda: "to run" in first.said())
    refused = program.run(*RUN, "--seed", "0..3").calmly(2)
    assert "another run" in refused.err
    first.ended().calmly(0)
    records = tools.records(program.folder / "run")
    tools.counts["runs in one folder"] += 2
    assert Counter(record["seed"] for record in records) == dict.fromkeys(range(4), 1)


@pytest.mark.usefixtures("whole")
def test_two_runs_that_start_together_double_nothing(program: Any, tools: Any) -> None:
    both = [program.start(*RUN, "--seed", "0..3") for _ in range(2)]
    codes = sorted(one.ended().calmly(0, 2).code for one in both)
    tools.counts["runs in one folder"] += 2
    assert codes[0] == 0
    records = tools.records(program.folder / "run")
    assert Counter(record["seed"] for record in records) == dict.fromkeys(range(4), 1)


@pytest.mark.parametrize("fields", [{}, {"key": "0123456789abcdef"}], ids=["the same cell", "another version of it"])
def test_where_the_clock_was_set_back_the_last_line_counts_everywhere(
    program: Any, tools: Any, record: Any, run_folder: Any, fields: dict[str, str]
) -> None:
    tools.only_whole(bool(fields))
    later = record(accuracy=0.8125, finished="2001-01-01T00:00:00+00:00", **fields)
    folder = run_folder([record(accuracy=0.9375), later], name="run")
    run_folder([later], name="other")

    program.run("check", "run", "--write-baseline", "base.jsonl").calmly(0)
    program.run("report", "run", "--out", "report.md").calmly(0)
    with (folder / "leaderboard.csv").open() as file:
        (row,) = [row for row in csv.DictReader(file) if row["fusion"] == "abs_diff"]
    assert float(row["accuracy_mean"]) == 0.8125
    assert "0.812" in program.folder.joinpath("report.md").read_text()
    assert "0.8125" in program.folder.joinpath("base.jsonl").read_text()
    program.run("check", "run", "--baseline", "base.jsonl").calmly(0)
    # A run that holds only the later line is the same run.
    program.run("compare", "other", "run").calmly(0)
    tools.counts["clocks set back"] += 1
