"""The picture of a history: what its lines stand at, and which are in colour."""

import numpy as np
import pytest

from bench.errors import UsageError
from bench.plots.contract import NothingToDrawError, Source
from bench.plots.history import MOST, HistoryPlot, draw_history
from bench.plots.style import QUIET
from bench.records.load import load_runs
from bench.verdicts.history import histories_of


@pytest.fixture
def source(record, run_folder):
    """Ten fusions over three runs, each moving more than the one before it."""
    for run in range(3):
        records = [
            record(f"f{number}", seed, 0.7 + 0.01 * number * run + 0.001 * seed)
            for number in range(10)
            for seed in range(2)
        ]
        run_folder(records, f"run{run}", {"created": f"2026-0{run + 1}-01T00:00:00", "config": {}})
    folder = run_folder(records, "run2")
    return Source.of(load_runs([folder.parent]))


def test_lines_stand_at_the_means_and_those_that_moved_most_are_coloured(source):
    ((_, draw),) = HistoryPlot().jobs(source, "accuracy", ())
    axis = draw().axes[0]
    named = {container.get_label(): container[0].get_ydata() for container in axis.containers}
    assert set(named) == {f"f{number}" for number in range(10 - MOST, 10)}
    for name, y in named.items():
        np.testing.assert_allclose(sorted(y), [0.7005 + 0.01 * int(name[1:]) * run for run in range(3)])
    assert sum(line.get_color() == QUIET for line in axis.lines) == 2
    assert {text.get_text() for text in axis.texts} == set(named)


def test_fusions_that_are_named_are_drawn_alone_in_colour(source):
    (history,) = histories_of(source.runs, "accuracy", {entry.group for entry in source.entries})
    axis = draw_history(history, ["f0"]).axes[0]
    assert [container.get_label() for container in axis.containers] == ["f0"]
    assert len(axis.lines) - 1 == 9


def test_a_table_without_the_fusions_that_are_named_is_not_drawn(source):
    (history,) = histories_of(source.runs, "accuracy", {entry.group for entry in source.entries})
    with pytest.raises(NothingToDrawError, match="none of f99 is in it"):
        draw_history(history, ["f99"])


def test_a_single_run_has_no_history(record, run_folder, bench_plot, tmp_path):
    run = run_folder([record()])
    with pytest.raises(UsageError, match="nothing is in more than one run"):
        bench_plot(run, "--kind", "history", "--out", tmp_path / "out")
