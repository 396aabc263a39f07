"""What can be a baseline: run folders, a committed JSONL file, a leaderboard; and what cannot."""

import json

import pytest

from bench.errors import UsageError
from bench.gate.baseline import measured_factor, write_baseline
from bench.gate.comparison import Rules, compare
from bench.gate.read import read_side
from bench.records import leaderboard
from bench.records.entries import entries_of
from bench.records.load import load_runs, pool


@pytest.fixture
def sweep(cells):
    return [*cells("concat", [0.95, 0.96, 0.97]), *cells("cosine", [0.85, 0.86, 0.87])]


@pytest.fixture
def worse(cells):
    return [*cells("concat", [0.91, 0.92, 0.93]), *cells("cosine", [0.85, 0.86, 0.87])]


@pytest.fixture
def as_csv(tmp_path):
    def write(folder):
        rows = leaderboard.rows(entries_of(pool(load_runs([folder])).cells))
        (tmp_path / "board.csv").write_text(leaderboard.to_csv(rows))
        return tmp_path / "board.csv"

    return write


def test_a_written_baseline_judges_like_the_run_it_came_from(run_folder, sweep, worse, tmp_path, found):
    run, file = run_folder(sweep, "run"), tmp_path / "reference" / "quick.jsonl"
    assert write_baseline(run, file, factor=1.3) == 6
    fresh = read_side(run_folder(worse, "new"))
    from_file, from_run = compare(read_side(file), fresh, Rules()), compare(read_side(run), fresh, Rules(factor=1.3))
    assert from_file.findings == from_run.findings
    assert from_file.exit_code == 1
    assert {one[0] for one in found(from_file, "throughput")} == {"same"}


def test_a_written_baseline_holds_the_latest_attempts_in_a_fixed_order_without_bulk(
    run_folder, sweep, record, tmp_path
):
    retried = [record("concat", status="killed"), *sweep]
    files = []
    for name, records in (("one", retried), ("two", [*retried[:1], *sweep[::-1]])):
        write_baseline(run_folder(records, name), tmp_path / f"{name}.jsonl")
        files.append((tmp_path / f"{name}.jsonl").read_text())
    assert files[0] == files[1]
    (head, first, *_) = map(json.loads, files[0].splitlines())
    assert head == {"schema": 1, "cells": 6}
    assert "curve" not in first
    assert "cells" not in first["eval"]["color"]
    assert first["measured_on"]["machine"]["cpu"] == "Test CPU"


def test_a_baseline_cut_anywhere_is_refused(run_folder, sweep, tmp_path):
    file = tmp_path / "quick.jsonl"
    write_baseline(run_folder(sweep, "run"), file)
    content = file.read_bytes()
    ends = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for cut in (*ends[:-1], ends[0] - 1, ends[3] + 10, len(content) - 1):
        file.write_bytes(content[:cut])
        with pytest.raises(
            UsageError, match=r"quick\.jsonl: \d records of \d cells, but the first line says 6|no complete"
        ):
            read_side(file)
    twice = content.splitlines(keepends=True)
    file.write_bytes(b"".join([*twice[:-1], twice[1]]))
    with pytest.raises(UsageError, match="6 records of 5 cells, but the first line says 6"):
        read_side(file)


def test_a_clock_set_back_between_two_attempts_changes_no_baseline(run_folder, sweep, record, tmp_path):
    late = [record("concat", 0, 0.5, finished="2027-01-01T10:00:00+00:00"), *sweep]
    write_baseline(run_folder(late, "run"), tmp_path / "quick.jsonl")
    comparison = compare(read_side(tmp_path / "quick.jsonl"), read_side(run_folder(sweep, "new")), Rules())
    assert (comparison.exit_code, comparison.cells) == (0, 6)
    assert {one.word for one in comparison.findings if one.tier == "quality"} == {"same"}


def test_a_baseline_is_not_made_of_a_run_with_a_damaged_line_or_header(run_folder, sweep, record, tmp_path):
    run = run_folder([*sweep, record("sum", accuracy=2.5)], "run")
    with pytest.raises(UsageError, match=r"line 7: .* 2\.5 is not a share .*; a baseline has to be complete"):
        write_baseline(run, tmp_path / "quick.jsonl")
    run = run_folder(sweep, "run")
    (run / "run.json").write_text("{")
    with pytest.raises(UsageError, match=r"run\.json could not be understood .*; nothing can be compared with it"):
        read_side(run)


def test_a_damaged_line_on_either_side_is_named(run_folder, sweep, record, found):
    damaged = run_folder([*sweep, record("sum", accuracy=2.5)], "damaged")
    whole = run_folder([*sweep, record("sum")], "whole")
    (lost, _) = found(compare(read_side(damaged), read_side(whole), Rules()), "coverage")
    assert (lost[0], lost[1]) == ("missing", str(damaged))
    assert "line 7: record" in lost[2]
    allowed = compare(read_side(damaged), read_side(whole), Rules(allow_missing=True))
    assert (allowed.exit_code, allowed.counts["incomparable"]) == (0, 2)
    new = compare(read_side(whole), read_side(damaged), Rules())
    assert (new.exit_code, [word for word, _, _ in found(new, "coverage")]) == (3, ["incomparable", "missing"])


def test_a_baseline_with_a_failed_cell_is_refused(run_folder, sweep, record, tmp_path):
    run = run_folder([*sweep, record("sum", status="oom")], "run")
    with pytest.raises(UsageError, match=r"1 failed cell, such as sum × .*, seed 0; a baseline has to be complete"):
        write_baseline(run, tmp_path / "quick.jsonl")


def test_the_factor_comes_from_two_runs_of_one_machine(run_folder, sweep, header):
    first, second = run_folder(sweep, "first"), run_folder(sweep, "second")
    assert measured_factor(first, second) == 1.1
    elsewhere = run_folder(sweep, "elsewhere", {**header, "threads": 4})
    with pytest.raises(UsageError, match="threads 1 against 4"):
        measured_factor(first, elsewhere)


def test_a_folder_of_runs_is_read_together(run_folder, sweep, tmp_path):
    run_folder(sweep[:3], "results/first")
    run_folder(sweep[3:], "results/second")
    base = read_side(run_folder(sweep, "base"))
    assert compare(base, read_side(tmp_path / "results"), Rules()).exit_code == 0


def test_a_leaderboard_gives_the_exact_tier_and_means_only(run_folder, sweep, worse, as_csv, found):
    base = read_side(as_csv(run_folder(sweep, "run")))
    comparison = compare(base, read_side(run_folder(worse, "new")), Rules())
    assert comparison.exit_code == 0
    assert [one[0] for one in found(comparison, "exact")] == ["same", "same"]
    quality = {cell.split()[0]: (word, text) for word, cell, text in found(comparison, "quality")}
    assert quality["concat"] == (
        "incomparable",
        "accuracy 0.960 -> 0.920: a leaderboard has means only, no paired test",
    )
    for record in worse:
        record["cost"]["macs"] = 1
    assert compare(base, read_side(run_folder(worse, "new")), Rules()).exit_code == 1
    assert compare(base, read_side(run_folder(sweep[:5], "new")), Rules()).exit_code == 3


def test_a_run_is_the_same_as_its_own_leaderboard_whatever_does_not_apply(run_folder, sweep, record, as_csv, found):
    known = record("sigmoid", status="collapsed", known_failure="a sigmoid before a cosine")
    run = run_folder([*sweep, record("tokens", status="not_applicable"), known], "run")
    sides = read_side(run), read_side(as_csv(run))
    for base, new in (sides, sides[::-1]):
        comparison = compare(base, new, Rules())
        assert comparison.exit_code == 0
        assert not found(comparison, "coverage")
    failed = run_folder([*sweep, record("tokens", status="diverged")], "failed")
    assert compare(read_side(failed), read_side(as_csv(failed)), Rules()).exit_code == 3


def test_a_leaderboard_tells_that_a_fusion_is_no_longer_symmetric(run_folder, sweep, as_csv, found):
    for record in sweep:
        record["eval"]["color"]["swap_gap"] = 0.0
    base = read_side(as_csv(run_folder(sweep, "run")))
    sweep[0]["eval"]["color"]["swap_gap"] = 0.3
    run = run_folder(sweep, "new")
    (change,) = [text for word, _, text in found(compare(base, read_side(run), Rules()), "exact") if word == "worse"]
    assert change == "symmetric, but its answers on color change by 0.3 on average when the images swap (seed 0)"
    assert compare(base, read_side(as_csv(run)), Rules()).exit_code == 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "no such file"),
        ("empty.jsonl", "", "no complete line in it; write it anew with bench check RUN --write-baseline FILE"),
        ("blank.jsonl", "\n", "no complete line in it"),
        ("none_left.jsonl", '{"schema": 1, "cells": 0}\n', "no records in it"),
        (
            "before.jsonl",
            '{"schema": 1, "key": "a"}\n',
            "the first line does not say how many cells follow; write it anew",
        ),
        ("text.jsonl", "hello\n", "line 1: not a JSON record"),
        ("list.jsonl", '{"a": 1}\n', "no schema number"),
        ("newer.jsonl", '{"schema": 99}\n', "line 1: schema 99 is newer"),
        ("zero.jsonl", '{"schema": 0}\n', "line 1: unknown schema 0"),
        ("half.jsonl", '{"schema": 1, "cells": 1}\n{"schema": 1, "key": "a"}\n', "line 2: record a: status is missing"),
        ("other.csv", "a,b\n1,2\n", r"not a leaderboard\.csv .*no column 'schema'"),
        ("empty.csv", "", r"not a leaderboard\.csv"),
        ("header.csv", ",".join(leaderboard.COLUMNS) + "\n", "no lines here"),
        ("notes.txt", "hello", r"expected a run folder, a \.jsonl file of records, or a leaderboard \.csv"),
    ],
)
def test_what_is_no_baseline_is_named(tmp_path, name, content, message):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(UsageError, match=f"{name}.*{message}"):
        read_side(tmp_path / name)


def test_a_leaderboard_of_another_schema_is_named(run_folder, sweep, as_csv):
    file = as_csv(run_folder(sweep, "run"))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace(f"{leaderboard.SCHEMA},", "99,", 1)]) + "\n")
    with pytest.raises(UsageError, match="line 2: schema 99"):
        read_side(file)
