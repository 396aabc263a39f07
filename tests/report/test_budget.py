"""What a report says about the training that fusions were given."""

from __future__ import annotations

import csv
import io

import pytest


@pytest.fixture
def caption(run_folder, bench_report):
    return lambda records: " ".join(bench_report(run_folder(records)).stdout.split())


def labelled(record, fusion: str, pairs: int | None, seed: int = 0, **recipe: object) -> dict:
    return record(fusion, seed, labelled_pairs=pairs, recipe={"train_pairs": 6400, "batch_size": 64, **recipe})


def test_the_caption_names_the_rows_with_other_numbers_of_labelled_pairs(record, caption) -> None:
    many = [labelled(record, name, 51_200, seed) for name in ("abs_diff", "concat") for seed in range(2)]
    few = [labelled(record, name, 6_400) for name in ("two_channel", "pseudo_siamese")]
    text = caption([*many, *few, labelled(record, "hadamard", 51_200)])
    apart = "6,400 for pseudo_siamese and two_channel"
    assert f"6,400 training pairs; 51,200 labelled pairs a row, {apart}, counted each time; warm" in text


def test_rows_with_one_label_for_each_pair_drawn_go_without_saying(record, caption) -> None:
    assert "labelled" not in caption([labelled(record, "concat", 6_400), labelled(record, "early", 6_336, seed=1)][:1])
    assert "labelled" not in caption([labelled(record, "concat", None), labelled(record, "early", None)])
    assert "; 51,200 labelled pairs a row, counted each time;" in caption([labelled(record, "concat", 51_200)])


def test_many_numbers_are_counted_and_stand_in_the_leaderboard(record, run_folder, bench_report, caption) -> None:
    records = [labelled(record, f"f{n}", 100 * n) for n in range(1, 7)]
    assert "6 different numbers of labelled pairs, see labelled_pairs of the leaderboard" in caption(records)
    rows = csv.DictReader(io.StringIO(bench_report(run_folder(records), "--format", "csv").stdout))
    assert {row["fusion"]: row["labelled_pairs"] for row in rows} == {f"f{n}": str(100 * n) for n in range(1, 7)}


def test_the_caption_states_the_budget(record, caption) -> None:
    records = [labelled(record, "a", 640, budget="macs:2e12"), labelled(record, "b", 320, budget="macs:2e12")]
    assert "budget macs:2e12 for every fusion;" in caption(records)
    assert "budget" not in caption([labelled(record, "a", 640, budget="none")])
