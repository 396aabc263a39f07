import json

import pytest

from bench.errors import UsageError
from bench.records.load import damage, load_runs, pool


def accuracies(paths):
    return {
        (cell.group.fusion, cell.seed): cell.eval[cell.domain].values[0] if cell.eval else cell.status
        for cell in pool(load_runs(paths)).cells
    }


def test_a_later_attempt_wins(record, run_folder):
    failed = record("concat", 0, status="timeout", message="20 min")
    folder = run_folder([failed, record("concat", 0, 0.9), record("concat", 1, 0.8), record("concat", 1, status="oom")])
    assert accuracies([folder]) == {("concat", 0): 0.9, ("concat", 1): "oom"}


def test_a_torn_last_line_is_left_out(record, run_folder):
    folder = run_folder([record("concat", 0, 0.9)])
    with (folder / "records.jsonl").open("a") as file:
        file.write(json.dumps(record("concat", 1, 0.8))[:50])
    assert accuracies([folder]) == {("concat", 0): 0.9}


def test_paths_that_name_the_same_run_count_once(record, run_folder):
    folder = run_folder([record()])
    assert len(load_runs([folder, folder.parent, folder / ".." / folder.name])) == 1


def test_of_two_runs_with_the_same_cell_the_later_result_counts(record, run_folder):
    new = run_folder([record("concat", 0, 0.9, finished="2026-03-02T10:00:00+00:00")], "a_new")
    old = run_folder([record("concat", 0, 0.7, finished="2026-03-01T10:00:00+00:00")], "b_old")
    for order in ([new, old], [old, new]):
        cells = pool(load_runs(order))
        assert [cell.eval["color"].values[0] for cell in cells.cells] == [0.9]
        assert cells.repeated == 1


def test_an_older_version_of_a_cell_is_no_second_seed_whatever_the_clock_said(record, run_folder):
    days = ["2026-03-01T10:00:00+00:00", "2026-03-02T10:00:00+00:00"]
    for first, second in (days, days[::-1]):
        old = record("concat", 0, 0.7, key="0" * 16, finished=first)
        new = record("concat", 0, 0.9, key="f" * 16, finished=second)
        cells = pool(load_runs([run_folder([old, new])]))
        assert [cell.key for cell in cells.cells] == ["f" * 16]
        assert [cell.key for cell in cells.superseded] == ["0" * 16]


def test_a_cell_without_a_warmup_of_its_own_joins_the_table_of_the_others(record, run_folder):
    warmup = {"task": "names", "seed": 3, "quality": 0.8, "seconds": 50.0, "images": 1000}
    pixels = record("pixel_distance", family="control", warmup={"task": "names"})
    cells = pool(load_runs([run_folder([pixels, record(warmup=warmup)])])).cells
    assert {cell.group.warmup_seed for cell in cells} == {3}


def test_a_missing_metric_is_no_error(record, metrics, run_folder):
    scored = {**metrics(0.9), "auc": None}
    del scored["ece"]
    assert accuracies([run_folder([record(eval={"color": scored})])]) == {("abs_diff", 0): 0.9}


def test_unusable_folders_say_why(record, run_folder, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UsageError, match="no records here"):
        load_runs([empty])
    with pytest.raises(UsageError, match="no records here"):
        load_runs([run_folder([], "no_cells")])
    with pytest.raises(UsageError, match="no such folder"):
        load_runs([tmp_path / "missing"])
    incomplete = record()
    del incomplete["fusion"]
    lost = r"no records here yet.*; 1 line of .*records\.jsonl could not be read .*: line 1: record \w+: fusion is"
    with pytest.raises(UsageError, match=lost):
        load_runs([run_folder([incomplete], "incomplete")])


def test_what_is_lost_is_said(record, run_folder):
    folder = run_folder([record("concat", 0, 0.9), record("concat", 1, 2.5), record("concat", 2, 0.8)])
    (folder / "run.json").write_text("{")
    assert accuracies([folder]) == {("concat", 0): 0.9, ("concat", 2): 0.8}
    header, line = damage(load_runs([folder]))
    assert header == (
        f"{folder}/run.json could not be understood (not JSON): machine, versions and margins of this run are not known"
    )
    assert line.endswith(
        "line 2: record " + record("concat", 1)["key"] + ": eval.color.accuracy: 2.5 is not a share from 0 to 1"
    )


def test_a_run_without_its_header_can_be_read(record, run_folder):
    folder = run_folder([record()])
    (folder / "run.json").unlink()
    assert len(load_runs([folder])[0].cells) == 1
