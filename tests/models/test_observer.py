"""Which models stay."""

import json
import shutil

from bench.models.files import read_card, stored_models
from bench.models.observer import Models
from bench.records.folder import RunFolder
from bench.records.record import DetailedRecord


def test_the_best_of_each_row_stays_and_an_earlier_session_counts(kept, tmp_path):
    shutil.copytree(kept / "models", tmp_path / "models")
    cards = [read_card(weights) for weights in stored_models(kept / "models")]
    best = {}
    for card in cards:
        rank = (not card.collapsed, card.validation["auc"], -card.cell.seed)
        best[card.cell.fusion] = max(best.get(card.cell.fusion, ((), "")), (rank, card.key))
    records = RunFolder(kept).records(DetailedRecord)
    Models(tmp_path / "models").read(records[-1])  # finds those of the others on disk
    assert {weights.stem for weights in stored_models(tmp_path / "models")} == {key for _, key in best.values()}


def test_a_cell_that_failed_leaves_no_model(kept, tmp_path):
    shutil.copytree(kept / "models", tmp_path / "models")
    record = RunFolder(kept).records(DetailedRecord)[0]
    record.status = "diverged"
    Models(tmp_path / "models", keep="all").read(record)
    assert record.key not in {weights.stem for weights in stored_models(tmp_path / "models")}
    assert len(stored_models(tmp_path / "models")) == 5


def test_the_card_tells_what_was_trained(kept):
    for weights in stored_models(kept / "models"):
        card = json.loads(weights.with_suffix(".json").read_text())
        assert card["cell"]["domain"] == "color"
        assert card["classes"] == ["circle", "square"]
        assert (card["offset"] != 0) == (card["cell"]["fusion"] == "cosine")
