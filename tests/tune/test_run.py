"""A tuning from end to end: what is run, what is chosen by, what is told, and that it goes on where it stopped."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.errors import UsageError
from bench.records.folder import RunFolder, find_all_runs
from bench.records.lines import read_lines
from bench.sweep import worker
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.config_values import MOST_SEEDS
from bench.sweep.plan import make_plan
from bench.tune import run as tune_run
from bench.tune.run import End, Tuning, tune
from bench.tune.space import grid, read_space
from bench.tune.trials import Trial, check_metric, read_trials, trial_configs
from bench.verify.whole import verify

TINY: dict[str, Any] = {
    "fusion": "abs_diff,concat",
    "domain": "color",
    "eval": [],
    "replicates": 3,
    "protocol": "scratch",
    "test_pairs": 32,
    "recipe": {"train_pairs": 32, "batch_size": 16, "val_pairs": 32},
    "jobs": 0,
    "device": "cpu",
}
RATES = read_space(["lr=1e-3|1e-2"])
Run = Callable[..., tuple[End, str]]
Records = list[dict[str, Any]]


# What the stand-in for training says at the rates 2e-3 (default), 1e-3 and 1e-2: validation, and test without noise.
SAYS = {"abs_diff": {2e-3: (0.7, 0.6), 1e-3: (0.9, 0.8), 1e-2: (0.8, 0.95)}, "concat": {2e-3: (0.8, 0.7)}}


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., SweepConfig]:
    return lambda **changes: load_config({**TINY, "out": str(tmp_path / "out"), **changes})


@pytest.fixture
def run(tiny: Callable[..., SweepConfig], monkeypatch: pytest.MonkeyPatch, metrics: Any) -> Run:
    """Runs a tuning in which cells are not trained: they say what ``SAYS`` does, or that they diverged."""

    def perform(task: Any, _: object) -> Records:
        results = []
        for cell in task.cells:
            says = SAYS[str(cell.fusion)].get(cell.recipe.lr)
            if says is None:
                results.append({"status": "diverged", "error": {"type": "DivergedError", "message": "loss is nan"}})
                continue
            tested = metrics(says[1] + 0.01 * (cell.seed % 3), n=cell.test_pairs)
            results.append(
                {
                    "status": "ok",
                    "eval": {cell.name_of(cell.domain): tested},
                    "validation": {"auc": says[0]},
                    "times": {"total": 0.1},
                }
            )
        return results

    monkeypatch.setattr(worker, "_run", perform)

    def call(**changes: Any) -> tuple[End, str]:
        printed = io.StringIO()
        end = tune(tiny(**changes), Tuning(RATES, None, "auc", 1), ["bench", "tune"], Console(file=printed, width=200))
        return end, printed.getvalue()

    return call


def records_in(folder: Path) -> Records:
    return [json.loads(line) for line, _ in read_lines(folder / "records.jsonl")]


def planted(
    config: SweepConfig, fusion: str, validation: float | None, test: float, make: Callable[..., Any]
) -> Records:
    """Records of the cells of a configuration, which say so of their validation and of their test pairs."""
    says = {"status": "diverged" if validation is None else "ok", "validation": {"auc": validation}}
    return [
        make(fusion, one.cell.seed, test, key=one.key, repeats="replicate", protocol="scratch", **says)
        for one in make_plan(config, {}).cells
        if str(one.cell.fusion) == fusion
    ]


def test_what_a_tuning_leaves_behind_is_whole(run: Run, tmp_path: Path) -> None:
    run()
    for name, keys in (("trials/run", 6), ("default", 6), ("tuned", 3)):
        remarks = verify(RunFolder(tmp_path / "out" / name))
        assert not any(one.is_wrong and "key" in one.text for one in remarks)
        assert f"{keys} keys computed again: the same" in [one.text for one in remarks]
    found = [folder.path.relative_to(tmp_path) for folder in find_all_runs(tmp_path / "out")]
    assert found == [Path("out/default"), Path("out/trials/run"), Path("out/tuned")]
    header = json.loads((tmp_path / "out/tuned/run.json").read_text())
    header["command"] = "bench run"
    # The default recipe is not the one that they were made under, and no tuning says so.
    header["config"]["recipe"].pop("lr")
    (tmp_path / "out/tuned/run.json").write_text(json.dumps(header))
    assert any("3 keys are none of this code" in one.text for one in verify(RunFolder(tmp_path / "out/tuned")))


def test_a_tuning_runs_chooses_tells_and_goes_on_without_training_again(run: Run, tmp_path: Path, tables: Any) -> None:
    end, _ = run()
    out = tmp_path / "out"
    trials, before, after = (records_in(out / name) for name in ("trials/run", "default", "tuned"))
    # Every fusion has the same recipes, and no trial a replicate or more than a few pairs of the test.
    rates = {name: [one["recipe"]["lr"] for one in trials if one["fusion"] == name] for name in SAYS}
    assert rates == {name: [2e-3, 1e-3, 1e-2] for name in SAYS}
    assert [one["seed"] for one in before] == [0, 0, 1, 1, 2, 2]
    assert not {one["seed"] for one in trials} & {0, 1, 2}
    assert {one["eval"]["color"]["n"] for one in trials if one["eval"]} == {8}
    assert {one["eval"]["color"]["n"] for one in before} == {32}
    # One fusion has another recipe, the best by validation and not by the test: it alone is tested again.
    assert [(one["fusion"], one["seed"], one["recipe"]["lr"]) for one in after] == [
        ("abs_diff", number, 1e-3) for number in range(3)
    ]
    (table,) = tables(end.table)
    assert [row["fusion"] for row in table] == ["abs_diff", "concat"]
    first, second = table
    assert (first["rank before"], first["rank after"]) == ("2 (2 to 2)", "1 (1 to 1)")
    assert (first["auc ↑ before"], first["after"]) == ("0.610", "0.810")
    assert first["difference, points"] == "+20.00"
    assert (first["verdict"], first["chosen recipe"]) == ("better", "lr=0.001 (trial 1)")
    assert (second["difference, points"], second["verdict"], second["chosen recipe"]) == ("-", "-", "default")
    assert second["failed trials"] == "2 x diverged"
    assert "Not worse than the best after tuning: abs_diff (of 2)" in " ".join(end.table.split())
    assert end.code == 0
    assert end.table == (out / "tuning.md").read_text()
    (board,) = json.loads((out / "tuning.json").read_text())
    own = board["fusions"][0]
    assert [(one["recipe"], one["validation"]) for one in own["trials"]] == [
        ({}, 0.7),
        ({"lr": 1e-3}, 0.9),
        ({"lr": 1e-2}, 0.8),
    ]
    assert (own["chosen"], own["before"]) == (1, [0.6, 0.61, 0.62])
    assert own["after"] == pytest.approx([0.8, 0.81, 0.82])
    # Nothing is tested of a fusion that keeps the default recipe: it would only make the family larger.
    (tested,) = board["differences"]
    assert (tested["fusion"], tested["difference"]) == ("abs_diff", pytest.approx(0.2))
    assert (out / "sensitivity.png").read_bytes().startswith(b"\x89PNG")
    sizes = {file: file.stat().st_size for file in out.rglob("records.jsonl")}
    assert run()[0] == end
    assert {file: file.stat().st_size for file in out.rglob("records.jsonl")} == sizes
    # What was chosen is a configuration, of the very cells of the test.
    for name, tested in (("abs_diff", after), ("concat", before)):
        chosen = load_config({"replicates": 3}, out / "best" / f"{name}.yaml")
        assert {one.key for one in make_plan(chosen, {}).cells} <= {one["key"] for one in tested}


def test_the_choice_is_by_validation_and_never_by_the_test(
    tiny: Callable[..., SweepConfig], record: Any, run_folder: Any
) -> None:
    trials = [Trial(number, point) for number, point in enumerate([{}, *grid(RATES)])]
    configs = trial_configs(tiny(), trials, 2)
    said = {"abs_diff": [(0.7, 0.9), (0.9, 0.5), (0.8, 1.0)], "concat": [(0.8, 0.6), (0.8, 0.9), (None, 1.0)]}
    lines = [
        line
        for fusion, values in said.items()
        for config, (validation, test) in zip(configs, values, strict=True)
        for line in planted(config, fusion, validation, test, record)
    ]
    configs = [one.model_copy(update={"out": str(run_folder(lines))}) for one in configs]
    by_auc = {one.subject.fusion: one for one in read_trials(configs, trials, "auc")}
    assert by_auc["abs_diff"].best is not None
    assert by_auc["abs_diff"].best.trial.point == {"lr": 1e-3}
    # Of two that are as good the first, which is the default recipe; and what diverged is counted.
    assert by_auc["concat"].best is not None
    assert by_auc["concat"].best.trial.number == 0
    assert by_auc["concat"].failed == ["diverged"]
    # Where no trial says anything of the metric there is nothing to choose.
    assert [one.best for one in read_trials(configs, trials, "accuracy")] == [None, None]


def test_trials_take_replicates_that_no_test_can_have(tiny: Callable[..., SweepConfig]) -> None:
    for first in (0, 7):
        config = tiny(first_replicate=first, replicates=MOST_SEEDS)
        (trial,) = trial_configs(config, [Trial(0, {})], 3)
        assert not set(trial.repetitions) & set(config.repetitions)
        assert len(trial.repetitions) == 3


def test_a_fusion_that_no_recipe_trains_is_named_and_not_ranked(
    run: Run, monkeypatch: pytest.MonkeyPatch, tables: Any
) -> None:
    monkeypatch.setitem(SAYS, "concat", {})
    end, _ = run()
    assert end.code == 3  # as its test diverges, too
    assert "concat: no trial has a value (3 x diverged)." in end.table
    assert [row["fusion"] for row in tables(end.table)[0]] == ["abs_diff"]


def test_each_domain_has_a_table_and_a_picture_and_what_its_replicates_share_is_said(
    run: Run, tables: Any, tmp_path: Path
) -> None:
    end, _ = run(fusion="abs_diff", domain="color,digits", replicates=1)
    assert re.findall("^## .*", end.table, re.MULTILINE) == [
        f"## Tuned on {domain} · mobilenetv3_small_32" for domain in ("color", "digits")
    ]
    assert end.table.count("Replicates deal the same images anew") == 1
    assert end.table.index("Replicates deal the same images anew") > end.table.index("Tuned on digits")
    assert sorted(file.name for file in (tmp_path / "out").glob("*.png")) == ["sensitivity-1.png", "sensitivity-2.png"]
    # From a single replicate nothing is inferred.
    for (row,) in tables(end.table):
        assert (row["rank before"], row["difference, points"], row["95 % interval"]) == ("1", "+20.00", "-")
        assert row["verdict"] == "too few replicates"
    assert "Spearman" not in end.table


def test_an_interrupted_tuning_tells_nothing_and_looks_at_no_test(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def interrupted(configs: Any, *_: object) -> int:
        asked.append(configs[0].out)
        return 130

    monkeypatch.setattr(tune_run, "run_sweeps", interrupted)
    assert run()[0] == End(130)
    assert asked == [str(tmp_path / "out/trials/run")]


def test_references_and_controls_are_not_tuned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune_run, "run_sweeps", lambda configs, *_: 130 if configs[0].fusion == ("concat",) else 1)
    end, said = run(fusion="concat,single_image,mask_oracle")
    assert end.code == 130
    assert "not tuned: single_image, mask_oracle: references and controls are not compared" in said
    with pytest.raises(UsageError, match="--fusion single_image: no fusion that could be tuned"):
        run(fusion="single_image")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("criterion", "neither better nor worse"),
        ("swap_gap", "scored in one order"),
        ("acc", "accuracy"),
    ],
)
def test_a_metric_that_nothing_can_be_chosen_by_is_told(metric: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_metric(metric)
    assert check_metric("log_loss") == -1
