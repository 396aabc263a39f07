"""``mlflow``: every cell as a run of MLflow."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import shutil
from datetime import datetime
from functools import cache, cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from bench.atomic import make_folder, write_atomically
from bench.errors import UsageError
from bench.models.files import CARD, stored_models
from bench.models.observer import Models
from bench.observers.contract import Observer, register_observer
from bench.observers.course import points, settings
from bench.observers.pictures import pictures
from bench.records.record import DONE, DetailedRecord
from bench.sweep.measure import Finished
from bench.sweep.provenance import git_state, versions
from bench.text import printable

if TYPE_CHECKING:
    from mlflow import MlflowClient

URI, EXPERIMENT = "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"
# Nothing is sent anywhere unasked, and a server that does not answer is not waited for through the whole sweep.
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
}
# What MLflow takes in one request, and as one text.
LARGEST_BATCH, LONGEST_TEXT, LONGEST_NAME = 1000, 4000, 80


@register_observer
class MLflow(Observer):
    """Writes one run of MLflow per cell: settings, learning curve, metrics, sample pairs, classes, the stored model.

    Runs lie in an SQLite file in the folder of the sweep, or where the variable ``MLFLOW_TRACKING_URI`` says. Only the
    main process writes there, so that workers never wait for each other: they leave pictures in files.

    Args:
        experiment: of MLflow; by default what ``MLFLOW_EXPERIMENT_NAME`` says, else the name of the run folder.
    """

    name = "mlflow"

    def __init__(self, folder: Path, experiment: str = "") -> None:
        super().__init__(folder.absolute())
        if importlib.util.find_spec("mlflow") is None:
            message = "mlflow is not installed; get it with pip install 'fusebench[track]'"
            raise UsageError(f"observer {self.name}: {message}")
        self._given, self._asked = os.environ.get(URI, ""), experiment

    @property
    def hint(self) -> str:
        if self._given:
            return f"runs of MLflow: experiment {self._experiment_name} at the {URI}"
        return f"runs of MLflow: mlflow ui --backend-store-uri {self._store}"

    def look(self, finished: Finished) -> str:
        staged = self._staged(finished.cell.key())
        shutil.rmtree(staged, ignore_errors=True)
        for name, pixels in pictures(finished):
            file = staged / f"{allowed(name)}.png"
            make_folder(file.parent)
            picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
            write_atomically(file, partial(picture.save, format="PNG"))
        return ""

    def read(self, record: DetailedRecord) -> str:
        staged = self._staged(record.key)
        try:
            self._log(record, staged)
        finally:
            shutil.rmtree(staged, ignore_errors=True)
        return ""

    def _log(self, record: DetailedRecord, staged: Path) -> None:
        client, ended = self._client, int(datetime.fromisoformat(record.finished).timestamp() * 1000)
        began = ended - int(record.times.get("total", 0) * 1000)
        run = client.create_run(self._experiment, began, _tags(record), run_name=_title(record)).info.run_id
        self._log_numbers(run, record, ended)
        if staged.is_dir():
            client.log_artifacts(run, str(staged))
        for weights in stored_models(self.folder.parent / Models.name, record.key):
            for file in (weights, weights.with_suffix(CARD)):
                client.log_artifact(run, str(file), "model")
        client.set_terminated(run, "FINISHED" if record.status in DONE else "FAILED", ended)

    def _log_numbers(self, run: str, record: DetailedRecord, when: int) -> None:
        from mlflow.entities import Metric, Param

        told = settings(record).items()
        self._client.log_batch(run, params=[Param(name, str(value)[:LONGEST_TEXT]) for name, value in told])
        metrics = [Metric(allowed(point.name), point.value, when, point.seen) for point in points(record)]
        for start in range(0, len(metrics), LARGEST_BATCH):
            self._client.log_batch(run, metrics[start : start + LARGEST_BATCH])

    def _staged(self, key: str) -> Path:
        return self.folder / "pictures" / key

    @property
    def _store(self) -> str:
        return self._given or f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def _experiment_name(self) -> str:
        return self._asked or os.environ.get(EXPERIMENT, "") or self.folder.parent.name

    @cached_property
    def _client(self) -> MlflowClient:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        for library in ("mlflow", "alembic"):
            logging.getLogger(library).setLevel(logging.WARNING)
        make_folder(self.folder)
        return MlflowClient(self._store)

    @cached_property
    def _experiment(self) -> str:
        known = self._client.get_experiment_by_name(self._experiment_name)
        if known is not None:
            return str(known.experiment_id)
        files = None if self._given else (self.folder / "artifacts").as_uri()
        return str(self._client.create_experiment(self._experiment_name, artifact_location=files))


def allowed(name: str) -> str:
    """A name with what MLflow takes in one, which is also the path of a file."""
    return "/".join(re.sub(r"[^\w .-]", "-", part)[:LONGEST_NAME] for part in name.split("/") if part.strip("."))


def _title(record: DetailedRecord) -> str:
    return f"{record.fusion} · {record.backbone} · {record.domain} · {record.repeats} {record.seed}"


def _tags(record: DetailedRecord) -> dict[str, str]:
    git, commit = _checkout()
    told = {
        "status": record.status,
        "key": record.key,
        "family": record.family,
        "role": record.role or "",
        "mlflow.note.content": record.message,
        "mlflow.source.name": f"fusebench {versions()['fusebench']}",
        "mlflow.source.git.commit": commit,
        "git": git,
    }
    return {name: printable(value, LONGEST_TEXT) for name, value in told.items() if value}


@cache
def _checkout() -> tuple[str, str]:
    """Commit with the word dirty where files differ from it, and the commit alone; empty outside a checkout."""
    state = git_state() or {"sha": "", "dirty": False}
    return state["sha"] + (" dirty" if state["dirty"] else ""), state["sha"]
