"""A cell that is watched while it trains: what is seen, and that no number changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bench.sweep.bundle import bundles
from bench.sweep.config import SweepConfig
from bench.sweep.execution import Execution
from bench.sweep.plan import make_plan

RECIPE = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "epochs": 2}


def arrays(run: Path, record: dict[str, Any]) -> dict[str, np.ndarray]:
    with np.load(run / "scores" / f"{record['key']}.npz") as file:
        return dict(file)


def test_watching_sees_the_validation_pairs_and_changes_no_number(sweep: Any, measured: Any, tmp_path: Path) -> None:
    plain, seen = tmp_path / "plain", tmp_path / "seen"
    _, (usual,), _ = sweep(recipe=RECIPE, out=str(plain))
    _, (record,), _ = sweep(recipe=RECIPE, out=str(seen), checks=4, tensorboard=True)
    checks = record.pop("checks")
    assert measured(record) == measured(usual)
    stored = arrays(seen, record)
    for name, values in arrays(plain, usual).items():
        np.testing.assert_array_equal(values, stored[name])

    assert [check["pairs"] for check in checks] == [32, 64, 96, 128]
    assert all(check["validated"] == 32 for check in checks)
    assert set(checks[0]["gradients"]) == {"stem", "stage 0", "stage 1", "stage 2", "embedding", "head"}
    assert all(norm > 0 for check in checks for norm in check["gradients"].values())
    last, label, scores = checks[-1], stored["val/label"], stored["val"].astype(float)
    same = scores > last["threshold"]
    for name, value in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
        assert last[name] == pytest.approx(value(label, same), abs=1e-5)
    assert last["auc"] == pytest.approx(roc_auc_score(label, scores), abs=1e-5)
    assert last["loss"] == pytest.approx(np.log1p(np.exp(np.where(label == 1, -scores, scores))).mean(), abs=1e-5)

    (folder,) = (seen / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    shown = [(event.step, event.value) for event in events.Scalars("val/f1")]
    assert shown == [(check["pairs"], pytest.approx(check["f1"], abs=1e-5)) for check in checks]
    assert len(events.Scalars("gradients/stage 1")) == 4


def test_a_watched_cell_may_stop_early_and_have_another_objective(sweep: Any) -> None:
    recipe = {**RECIPE, "patience": 1, "epochs": 4, "objective": "contrastive"}
    _, (record,), _ = sweep(recipe=recipe, fusion="cosine", checks=16)
    seen = record["curve"][-1][0]
    assert [check["pairs"] for check in record["checks"]] == list(range(16, seen + 1, 16))
    assert "objective" not in record["checks"][0]["gradients"]


def test_seeds_that_are_watched_share_no_pass(tiny: Callable[..., SweepConfig]) -> None:
    cells = [planned.cell for planned in make_plan(tiny(protocol="frozen", fusion="concat", seed="0..2"), {}).cells]
    assert [len(bundle) for bundle in bundles(cells, Execution(seeds_together=3))] == [3]
    assert [len(bundle) for bundle in bundles(cells, Execution(seeds_together=3, checks=2))] == [1, 1, 1]
