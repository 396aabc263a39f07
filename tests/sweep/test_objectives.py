"""Objectives and auxiliary heads in a whole sweep: plan, key, record, and the threshold of untrained scores."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score
from typer.testing import CliRunner

from bench.domain import build_domain
from bench.errors import UsageError
from bench.sweep.plan import make_plan
from bench.training.recipe import Recipe

RECIPE = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32}


def planned(config) -> dict[str, tuple[str, str]]:
    return {str(cell.cell.fusion): (cell.state, cell.reason) for cell in make_plan(config, {}).cells}


def keys(config) -> list[str]:
    return [cell.key for cell in make_plan(config, {}).cells]


def test_one_command_trains_a_sum_of_terms_with_heads_and_records_their_errors(written, tmp_path: Path) -> None:
    from bench.cli import app

    out = tmp_path / "run"
    command = "run --fusion abs_diff,two_channel --domain color --eval color --seed 0 --protocol scratch"
    command += " --test-pairs 32 --recipe train_pairs=64,batch_size=16,val_pairs=32 --jobs 0"
    command += f" --objective 0.1*contrastive:margin=1.5+bce --aux centre=1,size=0.5 --aux angle=1,name=2 --out {out}"
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output
    record, joint = sorted(written(out), key=lambda record: record["fusion"])
    assert record["recipe"]["objective"] == "bce+0.1*contrastive:margin=1.5"
    assert record["recipe"]["auxiliary"] == {"angle": 1, "centre": 1, "name": 2, "size": 0.5}
    assert "threshold_from" not in record
    heads = record["auxiliary"]
    assert heads["centre"]["weight"] == 1
    assert 0 < heads["centre"]["rmse_px"] < 60
    assert 0 < heads["size"]["rmse_px"] < 60
    assert 0 <= heads["name"]["accuracy"] <= 1
    assert "explained_4" in heads["angle"]
    assert joint["status"] == "not_applicable"
    assert "two_channel joins the images" in joint["error"]["message"]

    shown = CliRunner().invoke(app, ["show", record["key"], "--results", str(out)])
    assert json.loads(shown.output)["auxiliary"] == heads


def test_heads_are_dropped_at_evaluation_and_read_nothing_but_the_encoder(sweep, tmp_path: Path) -> None:
    _, (plain,), _ = sweep(out=str(tmp_path / "plain"))
    _, (aided,), _ = sweep(recipe={**RECIPE, "auxiliary": {"centre": 1.0}}, out=str(tmp_path / "aided"))
    rates = ("train_pairs_per_s", "infer_pairs_per_s")
    same = [{k: v for k, v in record["cost"].items() if k not in rates} for record in (plain, aided)]
    assert same[0] == same[1]
    assert plain["eval"] != aided["eval"]
    assert plain["auxiliary"] == {}


def test_a_head_of_weight_zero_changes_no_number(sweep, measured, tmp_path: Path) -> None:
    _, (plain,), _ = sweep(out=str(tmp_path / "plain"))
    _, (zero,), _ = sweep(recipe={**RECIPE, "auxiliary": {"centre": 0.0}}, out=str(tmp_path / "zero"))
    dropped = ("key", "recipe", "recipe_id")
    assert {k: v for k, v in measured(plain).items() if k not in dropped} == {
        k: v for k, v in measured(zero).items() if k not in dropped
    }


def test_scores_that_no_term_trains_are_decided_by_validation(sweep, tmp_path: Path, monkeypatch) -> None:

    from bench.sweep import evaluate

    raw: list[np.ndarray] = []

    def keep(score: Callable[..., Any]) -> Callable[..., Any]:
        def kept(*given: Any) -> Any:
            found = score(*given)
            raw.append(found[0] if isinstance(found, tuple) else found.scores)
            return found

        return kept

    for name in ("read_pairs", "score_both_orders"):
        monkeypatch.setattr(evaluate, name, keep(getattr(evaluate, name)))
    _, (record,), _ = sweep(fusion="cosine", recipe={**RECIPE, "objective": "triplet"})
    assert record["threshold_from"] == "validation"
    val, test = raw
    val_label, label = (build_domain("color").draw(split, 0, 32).label.numpy() for split in ("val", "test"))

    def f1(threshold: float) -> float:
        hits = ((val > threshold) & (val_label == 1)).sum()
        return 2 * hits / ((val > threshold).sum() + val_label.sum())

    stored = np.load(tmp_path / "run" / "scores" / f"{record['key']}.npz")
    threshold = float((val - stored["val"]).mean())
    assert f1(threshold) == max(f1(float(cut)) for cut in np.sort(val) - 1e-9)
    assert np.allclose(stored["color"], test - threshold, atol=1e-6)
    metrics = record["eval"]["color"]
    assert metrics["accuracy"] == pytest.approx(accuracy_score(label, test > threshold))
    assert metrics["accuracy_val"] == metrics["accuracy"]
    assert metrics["threshold"] == 0


def test_the_plan_says_what_an_objective_cannot_train(tiny) -> None:
    config = tiny(fusion=["abs_diff", "cosine", "two_channel"], recipe={**RECIPE, "objective": "contrastive"})
    plan = planned(config)
    assert plan["cosine"] == ("to run", "")
    assert plan["abs_diff"] == (
        "not applicable",
        "contrastive trains the encoder alone, and abs_diff learns a head (mlp) on scores; use bce+contrastive",
    )
    assert "two_channel joins the images before they are encoded" in plan["two_channel"][1]


def test_a_domain_without_the_latent_is_named(tiny) -> None:
    config = tiny(domain="digits", eval=["digits"], recipe={**RECIPE, "auxiliary": {"centre": 1.0}})
    assert planned(config)["abs_diff"] == ("not applicable", "the images come without x and y for the head centre")


def test_heads_that_a_fusion_states_are_trained_without_being_asked_for(sweep, plugin) -> None:
    plugin(
        '''
        @register
        class WithCentre(Fusion):
            """``s = 8 cos(u, v)``, (B, D) twice -> (B,)."""

            name, family, needs, symmetric, paper = "test_centre_head", "test", "embedding", True, "none"
            head, auxiliary = "score", {"centre": 1.0}

            def __init__(self, spec: FeatureSpec) -> None:
                super().__init__(1)

            def forward(self, a: Tensor, b: Tensor) -> Tensor:
                return 8 * F.cosine_similarity(a, b)
        '''
    )
    names = ["test_centre_head", "cosine"]
    _, records, _ = sweep(fusion=names)
    assert {record["fusion"]: list(record["auxiliary"]) for record in records} == {
        "test_centre_head": ["centre"],
        "cosine": [],
    }
    assert len({record["recipe_id"] for record in records}) == 1
    _, records, _ = sweep(fusion=names, recipe={**RECIPE, "auxiliary": {"centre": 0.0}})
    assert [record["auxiliary"] for record in records[2:]] == [{}, {}]


def test_objective_and_heads_are_part_of_the_key_but_their_defaults_are_not(tiny) -> None:
    base = keys(tiny())
    assert keys(tiny(recipe={**RECIPE, "objective": "1.0*bce", "auxiliary": {}})) == base
    other = {
        text: keys(tiny(recipe={**RECIPE, "objective": text})) for text in ("hinge", "bce+triplet", "bce+0.5*triplet")
    }
    aided = keys(tiny(recipe={**RECIPE, "auxiliary": {"size": 1.0}}))
    assert len({*map(tuple, other.values()), tuple(aided), tuple(base)}) == 5
    assert keys(tiny(recipe={**RECIPE, "objective": "triplet+bce"})) == other["bce+triplet"]


def test_records_from_before_objectives_keep_their_recipe(tiny) -> None:
    assert {"objective", "auxiliary"}.isdisjoint(Recipe().identity())
    assert Recipe(objective="hinge").identity() == {**Recipe().identity(), "objective": "hinge"}


def test_early_stop_watches_the_objective(sweep) -> None:
    recipe = {**RECIPE, "epochs": 30, "patience": 1, "lr": 0.05, "objective": "bce+arcface"}
    _, (record,), _ = sweep(recipe={**recipe, "auxiliary": {"name": 1.0}})
    assert record["stopped_early"]
    assert record["curve"][-1][0] < 64 * 30
    assert all(math.isfinite(loss) for _, loss, _ in record["curve"])


def test_validation_may_show_classes_that_the_training_pairs_do_not(sweep) -> None:
    """Eight pairs hold sixteen shapes at most, of the 32 that validation draws from."""
    recipe = {**RECIPE, "train_pairs": 8, "batch_size": 4, "patience": 1, "objective": "bce+arcface"}
    _, (record,), printed = sweep(domain="shapes:k=32", eval=["shapes:k=32"], recipe=recipe)
    assert record["status"] != "error", printed


def test_the_same_sweep_twice_gives_the_same_numbers(sweep, measured, tmp_path: Path) -> None:
    recipe = {**RECIPE, "objective": "bce+arcface", "auxiliary": {"angle": 1.0}}
    torch.manual_seed(1)
    _, (first,), _ = sweep(recipe=recipe, out=str(tmp_path / "one"))
    torch.manual_seed(2)
    _, (second,), _ = sweep(recipe=recipe, out=str(tmp_path / "two"))
    assert measured(first) == measured(second)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"objective": "contrative"}, "did you mean contrastive"),
        ({"objective": "0*bce"}, "not a positive number"),
        ({"auxiliary": {"center": 1}}, "unknown head 'center'; expected some of centre, size, angle, name"),
        ({"auxiliary": {"size": "big"}}, "valid number"),
    ],
)
def test_bad_input_is_one_clear_line(tiny, recipe: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        make_plan(tiny(recipe={**RECIPE, **recipe}), {})
    assert "\n" not in str(caught.value)


def test_the_command_line_wins_over_yaml_field_by_field(tmp_path: Path) -> None:
    from bench.cli import app

    file = tmp_path / "sweep.yaml"
    file.write_text("fusion: abs_diff\nseed: 0\nrecipe: {objective: triplet, auxiliary: {size: 1}}\n")
    command = ["run", "--config", str(file), "--dry-run", "--protocol", "scratch", "--out", str(tmp_path)]
    assert "triplet trains the encoder alone" in CliRunner().invoke(app, command).output
    assert "to run  abs_diff" in CliRunner().invoke(app, [*command, "--objective", "hinge"]).output
    # The heads of the file are still there.
    frozen = CliRunner().invoke(app, [*command, "--objective", "hinge", "--fusion", "two_channel"]).output
    assert "auxiliary heads read encodings of single images" in frozen


def test_without_the_extra_a_sweep_says_what_to_install(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytorch_metric_learning", None)
    with pytest.raises(UsageError, match="fusebench\\[metric\\]"):
        make_plan(tiny(recipe={**RECIPE, "objective": "bce+pml:ContrastiveLoss"}), {})
