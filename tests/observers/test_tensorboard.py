"""``tensorboard``: curve, metrics, pairs and histograms of a cell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

from bench.errors import UsageError


def test_tensorboard_holds_what_the_record_holds(sweep, tmp_path: Path) -> None:
    _, (record,), printed = sweep(eval=["color", "texture"], tensorboard=True)
    (folder,) = (tmp_path / "run" / "tensorboard").iterdir()
    events = EventAccumulator(str(folder)).Reload()
    loss = [(event.step, event.value) for event in events.Scalars("train/loss")]
    assert loss == [(seen, pytest.approx(value, abs=1e-5)) for seen, value, _ in record["curve"]]
    for domain in ("color", "texture"):
        assert events.Scalars(f"{domain}/auc")[0].value == pytest.approx(record["eval"][domain]["auc"])
    same, different = (events.Histograms(f"scores color/{kind}")[0].histogram_value for kind in ("same", "different"))
    stored = np.load(tmp_path / "run" / "scores" / f"{record['key']}.npz")
    for histogram, label in ((same, 1), (different, 0)):
        scores = stored["color"][stored["color/label"] == label]
        assert (histogram.num, histogram.min, histogram.max) == (len(scores), scores.min(), scores.max())
    similarity = events.Histograms("similarity/same")[0].histogram_value
    assert similarity.num == same.num
    assert similarity.max <= 1 + 1e-6
    assert {"pairs/same", "pairs/different", "classes/color", "classes/texture"} <= set(events.Tags()["images"])
    _tells_the_settings(events, record)
    assert f"tensorboard --logdir {tmp_path / 'run' / 'tensorboard'}" in printed


def _tells_the_settings(events: EventAccumulator, record: dict[str, Any]) -> None:
    """As a table of text, and as hyper-parameters beside the metrics that they led to."""
    (text,) = events.Tensors("settings/text_summary")
    table = text.tensor_proto.string_val[0].decode()
    assert "| fusion | abs_diff |" in table
    assert f"| recipe.train_pairs | {record['recipe']['train_pairs']} |" in table
    content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = HParamsPluginData.FromString(content).session_start_info.hparams
    assert told["recipe.lr"].number_value == record["recipe"]["lr"]
    assert told["backbone"].string_value == record["backbone"]
    content = events.SummaryMetadata("_hparams_/experiment").plugin_data.content
    metrics = {info.name.tag for info in HParamsPluginData.FromString(content).experiment.metric_infos}
    assert "color/auc" in metrics
    assert metrics <= set(events.Tags()["scalars"])


def test_a_missing_tensorboard_is_bad_input(sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"observer tensorboard: .* pip install tensorboard"):
        sweep(tensorboard=True)
    assert not (tmp_path / "run").exists()
