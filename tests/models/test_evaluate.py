"""A kept model tested on other domains has the record that a sweep would have left."""

import json
import shutil

import numpy as np
import pytest

from bench.domain import build_domain
from bench.errors import UsageError
from bench.models.evaluate import evaluate_models
from bench.models.files import stored_models
from bench.models.restore import restore
from bench.records.folder import RunFolder
from bench.records.load import load_runs, pool
from bench.records.record import DetailedRecord
from bench.records.scores import read_scores
from bench.sweep.config import load_config
from bench.sweep.plan import make_plan


@pytest.fixture(scope="module")
def models(kept, tmp_path_factory):
    """Two of the models in a run folder of their own."""
    folder = tmp_path_factory.mktemp("evaluated") / "run"
    shutil.copytree(kept, folder)
    by_fusion = {restore(weights).card.cell.fusion: weights for weights in stored_models(folder / "models")}
    return [restore(by_fusion[fusion]) for fusion in ("concat", "cosine")]


def test_what_a_sweep_would_leave_is_appended_once(models):
    folder = RunFolder(models[0].path.parents[1])
    before = folder.written()
    shift = sorted(build_domain("color").shifts)[0]
    chosen, said = ["companions", shift], []
    found = evaluate_models(models, chosen, None, said.append)
    after = folder.written()
    for model, record in zip(models, found, strict=True):
        assert list(record.eval) == ["color", "texture", f"color:shift={shift}"]
        own, new = before[model.card.key], after[record.key]
        assert {name: new["eval"][name] for name in own["eval"]} == own["eval"]
        for changing in ("key", "eval", "data", "finished"):
            own.pop(changing), new.pop(changing)
        assert new == own
        scores = read_scores(folder.scores / f"{record.key}.npz")
        for name, array in read_scores(folder.scores / f"{model.card.key}.npz").items():
            np.testing.assert_array_equal(scores[name], array)
        given = {"fusion": model.card.cell.fusion, "seed": (record.seed,), "protocol": "scratch", "test_pairs": 64}
        recipe = model.card.cell.recipe
        config = load_config({**given, "eval": tuple(chosen), "recipe": recipe})
        assert [one.state for one in make_plan(config, {record.key: record}).cells] == ["done"]
    assert len(said) == 2
    assert [record.key for record in evaluate_models(models, chosen, None, said.append)] == [one.key for one in found]
    assert folder.written().keys() == after.keys()
    assert "there is a record" in said[-1]
    assert {one.key for one in pool(load_runs([folder.path])).cells} >= {record.key for record in found}


def test_what_it_was_tested_on_before_stays_in_its_row(models, tmp_path):
    first, second = sorted(build_domain("color").shifts)[1:3]
    evaluate_models(models[:1], ["companions", first], tmp_path, lambda line: None)
    (record,) = evaluate_models(models[:1], [second], tmp_path, lambda line: None)
    assert list(record.eval) == ["color", "texture", f"color:shift={first}", f"color:shift={second}"]
    (cell,) = pool(load_runs([tmp_path])).cells
    assert cell.key == record.key
    said = []
    assert evaluate_models(models[:1], [first], tmp_path, said.append) == [record]
    assert "there is a record" in said[0]


def test_another_folder_knows_the_machine_of_the_training(models, tmp_path):
    (record,) = evaluate_models(models[:1], ["companions"], tmp_path / "more", lambda line: None)
    assert record.key == models[0].card.key
    (run,) = load_runs([tmp_path / "more"])
    assert run.header == RunFolder(models[0].path.parents[1]).header()
    assert [cell.eval.keys() for cell in run.cells] == [{"color", "texture"}]


def test_what_cannot_be_tested_is_one_line(models, tmp_path):
    moved = tmp_path / models[0].path.name
    for file in (moved, moved.with_suffix(".json")):
        shutil.copy(models[0].path.with_suffix(file.suffix), file)
    with pytest.raises(UsageError, match="--out names one"):
        evaluate_models([restore(moved)], ["all"], None, lambda line: None)
    with pytest.raises(UsageError, match="unknown 'mars'"):
        evaluate_models(models, ["mars"], None, lambda line: None)
    card = json.loads(moved.with_suffix(".json").read_text())
    card["sources"]["fusion"], card["key"] = "0" * 16, "f" * 16
    moved.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(UsageError, match="the source of fusion concat has changed"):
        evaluate_models([restore(moved)], ["all"], tmp_path / "out", lambda line: None)
    assert not RunFolder(tmp_path / "out").records(DetailedRecord)
