"""Objectives and auxiliary heads in reports: named in the caption, and never mixed in a table."""

from __future__ import annotations

import pytest


@pytest.fixture
def markdown(run_folder, bench_report):
    return lambda records: " ".join(bench_report(run_folder(records)).stdout.split())


def records(record, recipe_id: str, **recipe: object) -> list[dict]:
    fields = {"recipe": {"train_pairs": 6400, "batch_size": 64, **recipe}, "recipe_id": recipe_id}
    return [record("cosine", seed, 0.9, **fields) for seed in range(3)]


def test_the_caption_names_what_was_minimised(record, markdown) -> None:
    text = markdown(records(record, "cccccccc", objective="bce+0.1*triplet", auxiliary={"centre": 0.5, "size": 0.0}))
    assert "objective bce+0.1\\*triplet with auxiliary heads centre 0.5;" in text


def test_plain_bce_goes_without_saying_as_in_older_records(record, markdown) -> None:
    assert "objective" not in markdown(records(record, "aaaaaaaa", objective="bce", auxiliary={}))
    assert "objective" not in markdown(records(record, "aaaaaaaa"))


def test_objectives_do_not_share_a_table(record, markdown) -> None:
    text = markdown(records(record, "aaaaaaaa") + records(record, "cccccccc", objective="hinge"))
    assert text.count("Trained on color") == 2
    assert "recipe cccccccc" in text


def test_the_caption_names_optimizer_schedule_and_augmentation_where_one_is_not_the_usual(record, markdown) -> None:
    usual = {"optimizer": "adamw", "schedule": "cosine", "augment": "none"}
    assert "trained with" not in markdown(records(record, "aaaaaaaa", **usual))
    text = markdown(records(record, "cccccccc", **usual | {"optimizer": "sgd", "augment": "flip=0.5+rotate=15"}))
    assert "trained with sgd, cosine schedule, augment flip=0.5+rotate=15;" in text
