"""Boards: they are the tables of a report, and a leaderboard.csv gives those of the records it was made from."""

import pandas as pd
import pytest

from bench.plots.board import boards_of, lines_of
from bench.records.entries import entries_of
from bench.records.leaderboard import read_rows, rows, to_csv
from bench.records.load import load_runs, pool
from bench.records.sections import sections_of


@pytest.fixture
def entries(sweep, record, run_folder):
    more = [
        record(domain="texture", accuracy=0.7),
        record(protocol="frozen", accuracy=0.8),
        record(recipe_id="cccccccc", backbone="resnet18"),
        record(warmup={"task": "none"}),
    ]
    return entries_of(pool(load_runs([run_folder([*sweep, *more])])).cells)


@pytest.fixture
def csv_file(entries, tmp_path):
    file = tmp_path / "leaderboard.csv"
    file.write_text(to_csv(rows(entries)))
    return file


def test_a_csv_file_holds_what_the_records_hold(entries, csv_file):
    pd.testing.assert_frame_equal(lines_of(read_rows(csv_file)), lines_of(rows(entries)))


def test_boards_are_the_sections_of_a_report(entries, csv_file):
    boards = boards_of(read_rows(csv_file))
    sections = sections_of(entries)
    assert [board.title for board in boards] == [section.title for section in sections]
    for board, section in zip(boards, sections, strict=True):
        expected = {(entry.group.backbone, entry.group.fusion) for entry in section.entries}
        assert set(zip(board.lines["backbone"], board.lines["fusion"], strict=True)) == expected


def test_ranked_lines_stand_best_first_in_either_direction(entries):
    (board, *_) = boards_of(rows(entries))
    part = board.of("mobilenetv3_small_32")
    by_accuracy = part.ranked("fusion", "accuracy")
    assert by_accuracy["accuracy_mean"].is_monotonic_decreasing
    assert set(by_accuracy["role"]) == {"fusion"}
    assert part.ranked("fusion", "brier")["brier_mean"].is_monotonic_increasing


def test_accuracy_by_seed_is_in_the_order_of_the_seeds(record, run_folder):
    records = [record(seed=seed, accuracy=accuracy) for seed, accuracy in ((2, 0.9), (0, 0.8), (10, 0.7))]
    lines = lines_of(rows(entries_of(pool(load_runs([run_folder(records)])).cells)))
    assert lines["seeds"].item() == "0 2 10"
    assert lines["accuracy_by_seed"].item() == "0.8 0.9 0.7"
