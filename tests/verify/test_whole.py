"""Raw records that are handed in: a run as it was written, and whatever may be done to it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from bench.records.folder import RunFolder
from bench.sweep.config import load_config
from bench.sweep.run import run_sweep
from bench.verify.whole import verify
from tests.sweep.conftest import settings

Change = Callable[[Path], None]


@pytest.fixture
def run(kept: Path, tmp_path: Path) -> Path:
    """A copy of a real run of three sessions, without its models."""
    copy = tmp_path / "run"
    shutil.copytree(kept, copy, ignore=shutil.ignore_patterns("models"))
    return copy


def wrong(run: Path) -> list[str]:
    return [remark.text for remark in verify(RunFolder(run)) if remark.is_wrong]


def in_record(change: Callable[[dict[str, Any]], None]) -> Change:
    """The first record, changed."""

    def make(run: Path) -> None:
        first, *rest = (run / "records.jsonl").read_text().splitlines()
        record = json.loads(first)
        change(record)
        (run / "records.jsonl").write_text("\n".join([json.dumps(record), *rest]) + "\n")

    return make


def in_header(change: Callable[[dict[str, Any]], None]) -> Change:
    def make(run: Path) -> None:
        header = json.loads((run / "run.json").read_text())
        change(header)
        (run / "run.json").write_text(json.dumps(header))

    return make


def without_last(run: Path) -> None:
    lines = (run / "records.jsonl").read_text().splitlines()
    (run / "records.jsonl").write_text("\n".join(lines[:-1]) + "\n")


def cut(run: Path) -> None:
    content = (run / "records.jsonl").read_bytes()
    (run / "records.jsonl").write_bytes(content[:-40])


def better(record: dict[str, Any]) -> None:
    record["eval"]["color"]["auc"] += 0.01


def better_on_validation(record: dict[str, Any]) -> None:
    record["validation"]["auc"] += 0.01


def damaged_scores(run: Path) -> None:
    next((run / "scores").glob("*.npz")).write_bytes(b"no scores")


def other_scores(run: Path) -> None:
    file = next((run / "scores").glob("*.npz"))
    with np.load(file) as held:
        np.savez(file, **{**held, "color": held["color"][1:]})


def test_a_run_as_it_was_written_is_whole(run: Path) -> None:
    remarks = {remark.text for remark in verify(RunFolder(run))}
    assert not wrong(run)
    assert {"6 keys computed again: the same", "metrics of 6 of 6 cells computed again: none differ"} <= remarks
    shutil.rmtree(run / "scores")
    assert not wrong(run)
    assert any(remark.text.startswith("no scores/") for remark in verify(RunFolder(run)))


@pytest.mark.parametrize(
    ("change", "messages"),
    [
        (in_record(better), ["auc on color is", "6 cells computed again: 1 differ"]),
        (in_record(better_on_validation), ["auc of validation is", "6 cells computed again: 1 differ"]),
        (in_record(lambda record: record.update(seed=7)), ["says concat"]),
        (
            in_record(lambda record: record.update(repeats="replicate")),
            ["replicate · 0 · scratch", "seed · 0 · scratch"],
        ),
        (in_record(lambda record: record.update(recipe_id="f" * 8)), ["scratch · ffffffff · none, its key concat"]),
        (in_record(lambda record: record["warmup"].update(task="names")), [" · names, its key", " · none"]),
        (in_record(lambda record: record.update(key="0123456789abcdef")), ["1 key is none of", "without a"]),
        (in_record(lambda record: record.update(seed="x")), ["seed: 'x'", "without a record"]),
        (
            in_header(lambda header: header["config"].update(test_pairs=96)),
            ["2 keys are none", "2 cells that run.json"],
        ),
        (without_last, ["1 cell that run.json asks for without a record"]),
        (cut, ["the last line is cut off", "without a record"]),
        (other_scores, ["color is of 63 and 64 pairs", "1 differ"]),
        (damaged_scores, ["scores that cannot be read", "1 differ"]),
        (lambda run: (run / "run.json").unlink(), ["run.json: missing"]),
    ],
)
def test_what_was_changed_is_found(run: Path, change: Change, messages: list[str]) -> None:
    change(run)
    found = "\n".join(wrong(run))
    for message in messages:
        assert message in found


def test_keys_of_replicates_are_computed_again(tmp_path: Path) -> None:
    recipe = {"train_pairs": 64, "batch_size": 32, "val_pairs": 64}
    given = {"fusion": "concat", "replicates": 2, "protocol": "scratch", "recipe": recipe, "test_pairs": 64, "jobs": 0,
             "out": str(tmp_path / "run")}  # fmt: skip
    run_sweep(load_config(given), ["bench", "run"], Console(quiet=True))
    assert not wrong(tmp_path / "run")
    texts = [remark.text for remark in verify(RunFolder(tmp_path / "run"))]
    assert "2 keys computed again: the same" in texts
    in_record(lambda record: record.update(repeats="seed"))(tmp_path / "run")
    assert "says concat" in "".join(wrong(tmp_path / "run"))


def test_what_this_code_does_not_know_is_said_and_is_not_wrong(run: Path) -> None:
    in_header(lambda header: header["config"].update(fusion=["of_somebody"]))(run)
    assert not wrong(run)
    notes = [remark.text for remark in verify(RunFolder(run))]
    assert any(text.startswith("keys not computed again: unknown fusion 'of_somebody'") for text in notes)


def test_replicates_are_computed_again_too(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    config = load_config({**settings({"replicates": 2}), "replicates": 2, "out": str(folder)})
    assert run_sweep(config, ["bench", "run"], Console(quiet=True)) == 0
    assert "2 keys computed again: the same" in [remark.text for remark in verify(RunFolder(folder))]
    without_last(folder)
    assert any("1 cell that run.json asks for without a record" in text for text in wrong(folder))
