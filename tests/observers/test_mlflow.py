"""``mlflow``: every cell as a run, in a store of the real package."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from bench.errors import UsageError
from bench.observers import OBSERVERS
from bench.observers.mlflow import allowed
from bench.records.record import DetailedRecord, checker

mlflow = pytest.importorskip("mlflow")
_validate_metric_name = pytest.importorskip("mlflow.utils.validation")._validate_metric_name

BAD = '''
@register
class Bad(Base):
    """Fails while it trains."""
    name = "test_bad"
    def forward(self, a, b):
        raise ValueError("no <way>\\x1b")
'''


@pytest.fixture(autouse=True)
def _no_other_store(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)


def test_every_cell_is_a_run_with_what_its_record_holds(
    sweep, weighted: Callable[[str, str], Path], tmp_path: Path
) -> None:
    file = str(weighted("bad", BAD))
    asked = {"fusion": ["abs_diff", "test_bad"], "include": [file], "eval": ["color", "color:shift=larger"]}
    code, records, printed = sweep(**asked, observer="mlflow", save="all")
    assert code == 3
    assert "observer mlflow failed" not in printed
    store = f"sqlite:///{tmp_path / 'run' / 'mlflow' / 'mlflow.db'}"
    assert f"mlflow ui --backend-store-uri {store}" in printed
    client = mlflow.MlflowClient(store)
    (experiment,) = [one for one in client.search_experiments() if one.name == "run"]
    runs = {run.data.tags["key"]: run for run in client.search_runs([experiment.experiment_id])}
    assert runs.keys() == {record["key"] for record in records}
    for record in records:
        run, told = runs[record["key"]], record["recipe"]
        assert run.info.status == ("FINISHED" if record["status"] == "ok" else "FAILED")
        assert run.data.tags["status"] == record["status"]
        for name in ("lr", "epochs"):
            assert run.data.params[f"recipe.{name}"] == str(told[name])
        assert run.data.params["fusion"] == record["fusion"]
        if record["status"] == "ok":
            _is_whole(client, run, record)
        else:
            assert run.data.tags["mlflow.note.content"] == "ValueError: no <way>\\x1b"
    assert not list((tmp_path / "run" / "mlflow" / "pictures").iterdir())


def _is_whole(client, run, record) -> None:
    loss = [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, "train/loss")]
    assert loss == [(seen, pytest.approx(value)) for seen, value, _ in record["curve"]]
    for domain, tested in record["eval"].items():
        shown = domain.replace(":", "-").replace("=", "-")
        assert run.data.metrics[f"{shown}/auc"] == pytest.approx(tested["auc"])
    assert run.data.metrics["validation/auc"] == pytest.approx(record["validation"]["auc"])
    files = {file.relative_to(root).as_posix() for root in [_artifacts(run)] for file in root.rglob("*.*")}
    assert {"pairs/same.png", "pairs/different.png", "classes/color.png"} <= files
    assert {f"model/{record['key']}.safetensors", f"model/{record['key']}.json"} <= files


def _artifacts(run) -> Path:
    return Path(urlparse(run.info.artifact_uri).path)


def test_the_store_of_the_environment_is_used(
    record: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    observer = OBSERVERS.settle("mlflow:experiment=mine").build(tmp_path / "run" / "mlflow")
    written = record(domain="folder:../photos//a=b", status="timeout", message="more than 20 min")
    observer.read(checker(DetailedRecord)(json.dumps(written).encode(), "line 1"))
    assert "experiment mine at the MLFLOW_TRACKING_URI" in observer.hint
    client = mlflow.MlflowClient((tmp_path / "store").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("mine").experiment_id])
    assert (run.info.status, run.data.tags["status"], run.data.tags["key"]) == ("FAILED", "timeout", written["key"])
    assert run.data.params["domain"] == written["domain"]
    assert not (tmp_path / "run" / "mlflow" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("color:shift=novel/auc", "color-shift-novel/auc"),
        ("folder:../a//b/auc", "folder-../a/b/auc"),
        ("/../x", "x"),
        ("é€/f1", "é-/f1"),
    ],
)
def test_names_are_those_that_mlflow_takes(name: str, path: str) -> None:
    assert allowed(name) == path
    _validate_metric_name(path)


def test_a_missing_mlflow_is_bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(UsageError, match=r"observer mlflow: .* pip install 'fusebench\[track\]'"):
        OBSERVERS.settle("mlflow").build(tmp_path / "mlflow")
