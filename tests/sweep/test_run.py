"""A sweep end to end in this process: records, resume, failures, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.domain import build_domain
from bench.errors import UsageError
from bench.evaluation.metrics import most_accurate_threshold
from bench.metrics import evaluate
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord
from bench.sweep import run, worker
from bench.sweep.worker import Task

BAD_FUSIONS = '''
@register
class Raises(Base):
    """Raises in forward."""
    name = "test_raises"
    def forward(self, a, b):
        raise KeyError("no such thing")


@register
class Diverges(Base):
    """Gives NaN."""
    name = "test_diverges"
    def forward(self, a, b):
        return (a * self.weight).sum(1) * float("nan")


@register
class Collapses(Base):
    """Ignores the images."""
    name = "test_collapses"
    def forward(self, a, b):
        return (0 * a * self.weight).sum(1) + self.weight.sum() * 0


@register
class Hungry(Base):
    """Runs out of memory."""
    name = "test_hungry"
    def forward(self, a, b):
        raise MemoryError("not enough memory: you tried to allocate 1 EiB")
'''


@pytest.fixture
def bad_fusions(weighted: Callable[[str, str], Path]) -> Path:
    return weighted("bad_fusions", BAD_FUSIONS)


def test_a_record_holds_what_a_report_needs(sweep, tmp_path: Path) -> None:
    code, records, printed = sweep(eval=["color", "texture"])
    assert code == 0
    (record,) = records
    assert record["status"] == "ok"
    assert list(record["eval"]) == ["color", "texture"]
    assert record["data"] == {name: {"version": build_domain(name).version} for name in ("color", "texture")}
    assert record["cost"]["parameters"] == record["cost"]["trainable"] > record["cost"]["fusion_parameters"] > 0
    assert record["cost"]["macs"] > record["cost"]["fusion_macs"] > 0
    assert record["cost"]["train_pairs_per_s"] > 0
    assert record["curve"][-1][0] == 64
    assert "1 cell: 1 to run" in printed
    header = RunFolder(tmp_path / "run").header()
    assert header["config"]["fusion"] == ["abs_diff"]
    assert header["cells"] == 1
    assert header["versions"]["torch"] != "not installed"
    assert header["hardware"]["cores"] >= 1


def test_every_field_that_a_sweep_writes_is_one_of_a_record(sweep, bad_fusions: Path, tmp_path: Path) -> None:
    names = ["abs_diff", "two_channel", "template_oracle", "test_raises", "test_collapses"]
    _, written, _ = sweep(fusion=names, protocol="frozen", include=[str(bad_fusions)], match_params="5%:60000")
    known = {field.name for field in fields(DetailedRecord)}
    assert {name for record in written for name in record} <= known
    records = RunFolder(tmp_path / "run").records(DetailedRecord)
    assert {record.status for record in records} == {"ok", "not_applicable", "error", "collapsed"}
    for record, line in zip(records, written, strict=True):
        for name in line.keys() & {"curve", "cost", "warmup", "recipe", "matching", "times", "data", "error"}:
            assert json.loads(json.dumps(getattr(record, name))) == line[name]


def test_a_result_that_makes_no_record_is_a_failed_cell_and_not_the_end(sweep, monkeypatch) -> None:
    perform = worker.perform

    def impossible(task: Task) -> list[dict[str, Any]]:
        (result,) = perform(task)
        if task.cell.seed == 0:
            result["eval"]["color"]["accuracy"] = 1.5
        return [result]

    monkeypatch.setattr(worker, "perform", impossible)
    code, (first, second), _ = sweep(seed="0..1")
    assert code == 3
    assert (first["status"], second["status"]) == ("error", "ok")
    assert first["error"]["message"].endswith("eval.color.accuracy: 1.5 is not a share from 0 to 1")


def test_stored_scores_reproduce_the_stored_metrics(sweep, tmp_path: Path) -> None:
    _, (record,), _ = sweep(eval=["color", "texture"])
    scores = np.load(tmp_path / "run" / "scores" / f"{record['key']}.npz")
    for domain, metrics in record["eval"].items():
        label = build_domain(domain).draw("test", 0, 32).label.numpy()
        np.testing.assert_array_equal(scores[f"{domain}/label"], label)
        thresholds = metrics["threshold"], metrics["threshold_tuned"]
        cosine_tuned = most_accurate_threshold(scores["val/label"], scores["val/cosine"])
        cosines = scores[f"{domain}/cosine"], cosine_tuned
        again = evaluate(label, scores[domain], scores[f"{domain}/swapped"], *thresholds, *cosines)
        assert again == {name: value for name, value in metrics.items() if name not in ("n", "cells")}


def test_a_second_run_runs_nothing_and_more_seeds_run_only_the_new_ones(sweep) -> None:
    _, first, _ = sweep()
    code, second, printed = sweep()
    assert code == 0
    assert second == first
    assert "1 done" in printed
    assert "to run" not in printed
    _, third, printed = sweep(seed="0..2")
    assert [record["seed"] for record in third] == [0, 1, 2]
    assert "1 done, 2 to run, about " in printed
    assert "the time rests on 1 earlier cell of this run" in printed
    assert printed.count(" left\n") == 1


def test_failures_are_records_with_their_reason_and_exit_code_3(sweep, bad_fusions: Path) -> None:
    names = ["test_raises", "test_diverges", "test_collapses", "test_hungry", "abs_diff"]
    code, records, printed = sweep(fusion=names, include=[str(bad_fusions)])
    assert code == 3
    status = {record["fusion"]: record["status"] for record in records}
    assert status == {
        "test_raises": "error",
        "test_diverges": "diverged",
        "test_collapses": "collapsed",
        "test_hungry": "oom",
        "abs_diff": "ok",
    }
    by_name = {record["fusion"]: record for record in records}
    assert "no such thing" in by_name["test_raises"]["error"]["message"]
    assert "forward" in by_name["test_raises"]["error"]["traceback"]
    assert "not finite" in by_name["test_diverges"]["error"]["message"]
    assert "ignores the images" in by_name["test_collapses"]["error"]["message"]
    assert by_name["test_collapses"]["eval"]["color"]["accuracy"] == 0.5
    assert "--retry" in printed


def test_failed_cells_are_kept_until_retry_names_them(sweep, bad_fusions: Path) -> None:
    changes = {"fusion": ["test_raises"], "include": [str(bad_fusions)]}
    assert sweep(**changes)[0] == 3
    code, records, printed = sweep(**changes)
    assert (code, len(records)) == (3, 1)
    assert "1 failed" in printed
    _, records, _ = sweep(**changes, retry=["error"])
    assert [record["status"] for record in records] == ["error", "error"]
    assert len({record["key"] for record in records}) == 1


def test_frozen_protocol_trains_only_the_fusion_and_says_what_it_cannot_do(sweep) -> None:
    code, records, printed = sweep(fusion=["abs_diff", "two_channel"], protocol="frozen")
    assert code == 0
    frozen, joint = sorted(records, key=lambda record: record["fusion"])
    assert frozen["cost"]["trainable"] == frozen["cost"]["fusion_parameters"] < frozen["cost"]["parameters"]
    assert frozen["warmup"]["task"] == "names"
    assert joint["status"] == "not_applicable"
    assert "joins the images before that" in joint["error"]["message"]
    assert "1 not applicable" in printed


def test_same_command_twice_gives_the_same_numbers(sweep, measured, tmp_path: Path) -> None:
    changes = {"fusion": ["concat", "two_channel"], "protocol": "finetune", "seed": "0..1"}
    _, first, _ = sweep(**changes, out=str(tmp_path / "one"))
    _, second, _ = sweep(**changes, out=str(tmp_path / "two"))
    assert len(first) == 4
    assert [measured(record) for record in first] == [measured(record) for record in second]


def test_all_fusions_see_the_same_backbone_and_data(sweep) -> None:
    _, records, _ = sweep(fusion=["abs_diff", "concat", "hadamard"])
    first_losses = {record["fusion"]: record["curve"][0][1] for record in records}
    assert len(set(first_losses.values())) == 3
    assert len({record["recipe_id"] for record in records}) == 1
    assert len({record["key"] for record in records}) == 3


def test_early_stop_ends_training_and_keeps_the_best(sweep) -> None:
    recipe = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "epochs": 30, "patience": 1, "lr": 0.05}
    _, (record,), _ = sweep(recipe=recipe)
    assert record["stopped_early"]
    assert record["curve"][-1][0] < 64 * 30


def test_pairs_per_image_changes_training_but_not_for_joint_fusions(sweep) -> None:
    few = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "pairs_per_image": 1}
    names = ["abs_diff", "two_channel"]
    sweep(fusion=names, recipe=few)
    _, both, _ = sweep(fusion=names, recipe={**few, "pairs_per_image": 4})
    curve = {(r["fusion"], r["recipe"]["pairs_per_image"]): r["curve"] for r in both}
    assert curve["abs_diff", 1] != curve["abs_diff", 4]
    assert curve["two_channel", 1] == curve["two_channel", 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fusion": "concta"}, "unknown fusion 'concta': did you mean concat"),
        ({"fusion": "concat:width=3"}, "unknown parameter 'width'"),
        ({"fusion": "low_rank_bilinear:rank=big"}, "rank must be int"),
        ({"backbone": "resnet81"}, "did you mean resnet18"),
        ({"backbone": "timm:resnet1888"}, "unknown timm model"),
        ({"domain": "colour"}, "did you mean color"),
        ({"warmup": "nmaes"}, "unknown warm-up"),
        ({"protocol": "frozen", "warmup": "none"}, "needs a warm-up"),
        ({"protocol": "finetune", "warmup": "imagenet"}, "has no ImageNet weights"),
        ({"recipe": {"learning_rate": 1}}, "unknown key 'learning_rate'"),
        ({"recipe": {"lr": -1}}, "recipe: lr = -1"),
        ({"domain_params": {"textures": "/nowhere"}, "domain": "texture"}, "no images found"),
        ({"include": ["/nowhere.py"]}, "expected a Python file or a folder"),
        ({"out": __file__}, "test_run.py: exists and is no folder"),
        ({"out": "/dev/null/run"}, "/dev/null/run: Not a directory"),
    ],
)
def test_bad_input_is_one_clear_line_before_anything_runs(sweep, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        sweep(**changes)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run" / "records.jsonl").exists()


def test_what_another_command_finished_meanwhile_is_not_done_again(sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    planned, inside = run.make_plans, []

    def slowly(*given):
        plan = planned(*given)
        if not inside:
            inside.append(True)
            sweep()
        return plan

    monkeypatch.setattr(run, "make_plans", slowly)
    code, records, printed = sweep(seed="0..1")
    assert code == 0
    assert [record["seed"] for record in records] == [0, 1]
    assert "1 done, 1 to run" in printed


def test_a_plug_in_edited_while_the_sweep_runs_is_not_recorded_under_the_old_code(
    sweep, weighted: Callable[[str, str], Path]
) -> None:
    edits = '''
@register
class Edits(Base):
    """Changes its own file."""
    name = "test_edits"
    def forward(self, a, b):
        with open(__file__, "a") as source:
            source.write("#")
        return (a * b * self.weight).sum(1)
'''
    file = weighted("edits", edits)
    code, records, _ = sweep(fusion=["test_edits"], seed="0..1", include=[str(file)])
    assert code == 3
    assert [record["status"] for record in records] == ["ok", "error"]
    assert "changed while the sweep ran" in records[1]["error"]["message"]


def test_an_unreadable_texture_is_bad_input_and_no_failed_cell(sweep, tmp_path: Path) -> None:
    folder = tmp_path / "textures"
    folder.mkdir()
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(UsageError, match=r"broken\.png: not a readable image"):
        sweep(domain="texture", domain_params={"textures": str(folder)})
