"""Predictions of a kept centre head."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from safetensors.torch import load_file, save_file

from bench.errors import UsageError
from bench.look.contract import VIEWS
from bench.look.subject import Subject
from bench.look.views.centres import ends, located
from bench.look.visit import visit
from bench.models.files import find_model, load_heads
from bench.models.restore import restore
from bench.sweep.config import load_config
from bench.sweep.run import run_sweep


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that keeps a model with a centre head, tested on two domains."""
    out = tmp_path_factory.mktemp("centre")
    recipe = {"train_pairs": 64, "batch_size": 32, "val_pairs": 32}
    given = {"fusion": "siamese_cosine_centre", "seed": 0, "protocol": "scratch", "recipe": recipe, "test_pairs": 32}
    given |= {"eval": "color,texture", "save": "all", "jobs": 0, "out": str(out)}
    run_sweep(load_config(given), ["bench", "run"], Console(quiet=True))
    return out


def seen(subject: Subject) -> Any:
    (found,) = visit(subject, [VIEWS.settle("centres:most=5").build()])
    return found


def test_a_kept_head_errs_as_the_record_says(run: Path) -> None:
    subject = Subject(restore(run))
    (record,) = (json.loads(line) for line in (run / "records.jsonl").read_text().splitlines())
    found = located(subject, subject.choice)
    assert found.rmse == pytest.approx(record["auxiliary"]["centre"]["rmse_px"], rel=1e-5)
    assert len(found.off) == 64
    x = subject.pairs.b.latents["x"].numpy()
    np.testing.assert_allclose(found.true[32:, 0], x, atol=1e-4)


def test_both_domains_are_shown_with_their_errors(run: Path) -> None:
    shots = seen(Subject(restore(run))).shots
    titles = [f"{end} centres on {on}" for on in ("color", "texture") for end in ("Best", "Worst")]
    assert [shot.title for shot in shots] == titles
    again = located(Subject(restore(run), "texture"), Subject(restore(run), "texture").choice)
    assert f"{again.rmse:.2f} px root mean square" in shots[2].text


def test_best_and_worst_begin_at_the_ends() -> None:
    chosen = ends(np.array([3.0, 0.5, 9.0, 1.0]), 2)
    assert {name: rows.tolist() for name, rows in chosen.items()} == {"Best": [1, 3], "Worst": [2, 0]}


def test_a_model_without_heads_says_so(looked: Any) -> None:
    assert seen(looked.subject("concat")).missing == "no head centre was trained beside it"


def test_a_file_without_its_heads_or_with_others_is_told(run: Path, tmp_path: Path) -> None:
    stored = restore(run)
    heads = stored.auxiliary.heads(128)
    tensors, file = load_file(find_model(run)), tmp_path / "other.safetensors"
    save_file({name: value for name, value in tensors.items() if not name.startswith("auxiliary.")}, file)
    assert not load_heads(heads, file)
    save_file({**tensors, "auxiliary.centre.weight": torch.zeros(3, 128)}, file)
    with pytest.raises(UsageError, match="not the auxiliary heads of this model"):
        load_heads(heads, file)
