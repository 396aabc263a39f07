"""``bench debug`` on a tiny subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.debug import run, trials
from bench.debug.subject import Subject
from bench.errors import UsageError

TINY: dict[str, Any] = {
    "fusion": ["siamese_cosine_sigmoid"],
    "domain": ["color"],
    "seed": [0],
    "protocol": "scratch",
    "recipe": {"train_pairs": 64, "batch_size": 32, "val_pairs": 32},
}


def test_a_raw_cosine_of_sigmoids_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, steps in (("BY_HEART", 3), ("ONE_LABEL", 2), ("STEPS", 2)):
        monkeypatch.setattr(trials, name, steps)
    monkeypatch.setattr(trials, "RATES", (1, 1e6))
    monkeypatch.setattr(trials, "SCALES", (1, 10))
    said: list[str] = []
    text = run.debug(TINY, "bench debug", tmp_path / "out", said.append)
    assert "- it cannot learn one different pair by heart (training accuracy 0.00" in text
    assert "- trained on different pairs alone its scores do not become negative" in text
    assert "- the fusion says of itself: Sigmoid embeddings are positive" in text
    assert "before training the vectors that it compares lie within a cone" in text
    assert "Sigmoid (fusion.project.1)" in text
    page = (tmp_path / "out" / "index.html").read_text()
    pictures = {file.stem for file in (tmp_path / "out").glob("*.png")}
    assert {"samples", "one-training", "similarity", "learning-rates", "the-loss-multiplied"} <= pictures
    assert page.count("data:image/png;base64,") == len(pictures)
    assert said[-1] == f"wrote {tmp_path / 'out' / 'index.html'}"


def test_several_cells_are_none_to_look_into() -> None:
    with pytest.raises(UsageError, match=r"looks into one cell at a time, and these are 2: concat .*; cosine "):
        Subject.read({**TINY, "fusion": ["concat,cosine"]})


def test_a_cell_that_does_not_apply_says_why() -> None:
    with pytest.raises(UsageError, match=r"two_channel · .* not applicable: "):
        Subject.read({**TINY, "fusion": ["two_channel"], "recipe": {**TINY["recipe"], "objective": "triplet"}})
