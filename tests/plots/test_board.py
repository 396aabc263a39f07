"""Boards: a leaderboard.csv says the same as the records it was made from, and a wrong file is explained."""

import pandas as pd
import pytest

from bench.errors import UsageError
from bench.plots.board import boards_of, lines_of, read_board
from bench.records.entries import entries_of
from bench.records.leaderboard import ADDED, COLUMNS, rows, to_csv
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
    pd.testing.assert_frame_equal(read_board(csv_file), lines_of(entries), check_dtype=False)


def test_boards_are_the_sections_of_a_report(entries, csv_file):
    boards = boards_of(read_board(csv_file))
    sections = sections_of(entries)
    assert [board.title for board in boards] == [section.title for section in sections]
    for board, section in zip(boards, sections, strict=True):
        expected = {(entry.group.backbone, entry.group.fusion) for entry in section.entries}
        assert set(zip(board.lines["backbone"], board.lines["fusion"], strict=True)) == expected


def test_ranked_lines_stand_best_first_in_either_direction(entries):
    (board, *_) = boards_of(lines_of(entries))
    part = board.of("mobilenetv3_small_32")
    by_accuracy = part.ranked("fusion", "accuracy")
    assert by_accuracy["accuracy_mean"].is_monotonic_decreasing
    assert set(by_accuracy["role"]) == {"fusion"}
    assert part.ranked("fusion", "brier")["brier_mean"].is_monotonic_increasing


def test_accuracy_by_seed_is_in_the_order_of_the_seeds(record, run_folder):
    records = [record(seed=seed, accuracy=accuracy) for seed, accuracy in ((2, 0.9), (0, 0.8), (10, 0.7))]
    lines = lines_of(entries_of(pool(load_runs([run_folder(records)])).cells))
    assert lines["seeds"].item() == "0 2 10"
    assert lines["accuracy_by_seed"].item() == "0.8 0.9 0.7"


def test_files_of_before_a_column_was_added_are_read(csv_file):
    short = pd.read_csv(csv_file).drop(columns=list(ADDED))
    short.to_csv(csv_file, index=False)
    assert list(read_board(csv_file).columns) == [*COLUMNS, "role"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a leaderboard.csv"),
        ("a,b\n1,2\n", "no column 'schema'"),
        ("schema,fusion\n7,concat\n", r", line 2: schema 7 is newer than .* reads \(1\)"),
        ("schema,fusion\n,concat\n", ", line 2: no schema number"),
        ("schema,fusion\none,concat\n", ", line 2: schema 'one' is not a whole number"),
        ("schema,fusion\n1,concat\n", "no column 'family'"),
        (",".join(COLUMNS) + "\n", "no lines"),
        (",".join(COLUMNS) + "\n1" + ",x" * (len(COLUMNS) - 1) + "\n", "a number was expected"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path, text, message):
    file = tmp_path / "wrong.csv"
    file.write_text(text)
    with pytest.raises(UsageError, match=f"wrong.csv.*{message}"):
        read_board(file)


def test_a_missing_file_is_explained(tmp_path):
    with pytest.raises(UsageError, match=r"gone.csv: No such file"):
        read_board(tmp_path / "gone.csv")
