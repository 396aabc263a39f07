"""A metric over versions: means, changes and order, recomputed."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bench.history.table import as_csv, markdown
from bench.history.versions import Versions
from bench.records.load import Run, load_runs
from bench.report.history_block import grid, reading
from bench.verdicts.history import histories_of, names_of

VALUES: dict[str, list[list[float]]] = {
    "first": [[0.7, 0.8], [0.6, 0.62]],
    "second": [[0.9, 0.91, 0.95], [0.6, 0.62]],
    "third": [[0.95, 0.93, 0.91], []],
}


@pytest.fixture
def versions(run_folder, record) -> list[Run]:
    found = []
    for name, scores in VALUES.items():
        records = [record(fusion, seed, value) for fusion, own in zip("ab", scores, strict=True)
                   for seed, value in enumerate(own)]  # fmt: skip
        (run,) = load_runs([run_folder([*records, record("c", 0, 0.99, family="reference", role="reference")], name)])
        found.append(Run(Path(name), {"created": f"2026-01-0{len(found) + 1}"}, run.cells))
    return found


@pytest.fixture
def history(versions: list[Run]) -> Any:
    (found,) = histories_of(versions, "accuracy", {cell.group for run in versions for cell in run.cells})
    return found


def test_means_and_intervals_are_those_of_each_version(history) -> None:
    a, b, c = history.courses
    assert [course.group.fusion for course in (a, b, c)] == ["a", "b", "c"]
    for at, scores in enumerate(VALUES.values()):
        assert a.mean[at] == pytest.approx(np.mean(scores[0]))
        wide = stats.t.ppf(0.975, len(scores[0]) - 1) * stats.sem(scores[0])
        assert a.half_width[at] == pytest.approx(wide)
    assert np.isnan(b.mean).tolist() == [False, False, True]
    assert b.counts == [2, 2, 0]
    assert b.newest == pytest.approx(0.61)


def test_a_change_is_paired_over_the_seeds_of_both(history) -> None:
    a, b, _ = history.courses
    differences = np.array(VALUES["third"][0]) - np.array(VALUES["second"][0])
    test = stats.ttest_1samp(differences, 0)
    assert a.change.mean == pytest.approx(differences.mean())
    assert (a.change.low, a.change.high) == pytest.approx(tuple(test.confidence_interval(0.95)))
    # From the first to the second, as the third has none.
    assert (b.change.n, b.change.mean) == (2, 0.0)


def test_tables_hold_the_newest_first_and_csv_everything(history, versions) -> None:
    shown = grid(history)
    assert shown.header == ["fusion", "change, points", "third", "second", "first"]
    change = history.courses[0].change
    assert [row[1] for row in shown.rows] == [f"+1.00 ± {100 * (change.high - change.mean):.2f}", "same", "same"]
    assert shown.rows[1][2:] == ["-", "0.610 ± 0.127", "0.610 ± 0.127"]
    text = markdown([history], Versions(versions, ()))
    assert text.index("- third, 2026-01-03") < text.index("- first, 2026-01-01")
    lines = as_csv([history], Versions(versions, ())).splitlines()
    assert len(lines) == 1 + 3 * 3
    values = {(line.split(",")[0], line.split(",")[7]): line.split(",")[-2] for line in lines[1:]}
    assert float(values["first", "a"]) == pytest.approx(0.75)
    assert values["third", "b"] == ""


def test_csv_and_words_say_what_was_repeated(versions, record, run_folder) -> None:
    records = [record("a", number, 0.9 + 0.01 * number, repeats="replicate") for number in range(3)]
    (run,) = load_runs([run_folder(records, "replicated")])
    groups = {cell.group for one in (*versions, run) for cell in one.cells}
    histories = histories_of([*versions, run], "accuracy", groups)
    lines = list(csv.DictReader(io.StringIO(as_csv(histories, Versions([*versions, run], ())))))
    assert {(line["version"], line["fusion"]): (line["repeats"], line["n"]) for line in lines}.items() >= {
        (("second", "a"), ("seed", "3")), (("replicated", "a"), ("replicate", "3")),
    }  # fmt: skip
    assert "interval over seeds or replicates, the" in reading(histories)
    assert "paired by seed or replicate;" in reading(histories)
    assert "paired by replicate;" in reading(histories[:1])


def test_versions_of_one_name_are_told_apart_by_where_they_lie() -> None:
    paths = [
        "w/before/quick",
        "w/after/quick",
        "w/last",
        "w/a.jsonl/0123abc",
        "w/b.jsonl/0123abc",
        "w/one/one",
        "w/one",
    ]
    names = names_of([Run(Path(path), {}, ()) for path in paths])
    assert names == ["before/quick", "after/quick", "last", "a.jsonl/0123abc", "b.jsonl/0123abc", "one/one", "one"]
