"""What a stored model says is what the trained one said."""

import numpy as np
import pytest

from bench.errors import UsageError
from bench.models.files import stored_models
from bench.models.restore import restore
from bench.records.scores import read_scores
from bench.sweep.inputs import draw


def test_restored_models_repeat_the_stored_scores_bit_for_bit(kept):
    models = stored_models(kept / "models")
    assert len(models) == 6
    for weights in models:
        model = restore(weights)
        stored = read_scores(kept / "scores" / f"{weights.stem}.npz")
        for domain, found in model.evaluate().scores.items():
            np.testing.assert_array_equal(found.scores, stored[domain])
            np.testing.assert_array_equal(found.swapped, stored[f"{domain}/swapped"])
        pairs = draw(model.cell.domain, *model.cell.draws("test"))
        direct = model.scores(pairs.a.pixels, pairs.b.pixels)
        np.testing.assert_allclose(direct, stored[model.cell.name_of(model.cell.domain)], atol=1e-5)
        assert model.cell.key() == weights.stem
        assert not model.changed


def test_a_folder_of_several_models_names_none(kept):
    with pytest.raises(UsageError, match="6 stored models; name one"):
        restore(kept)


def test_what_is_no_model_is_refused_and_not_run(kept, tmp_path):
    (weights, *_) = stored_models(kept / "models")
    copy = tmp_path / weights.name
    card = weights.with_suffix(".json").read_bytes()
    copy.with_suffix(".json").write_bytes(card)
    for content, why in (
        (b"\x80\x04cos\nsystem\n(S'touch owned'\ntR.", "not the weights"),
        (b"\xff" * 8 + b"{}", "not the weights"),
    ):
        copy.write_bytes(content)
        with pytest.raises(UsageError, match=why):
            restore(copy)
    copy.write_bytes(weights.read_bytes())
    for spoilt, why in (
        (b"not JSON", "not JSON"),
        (card.replace(b'"schema": 1', b'"schema": 2'), "schema 2"),
        (card.replace(b'"cell"', b'"sell"'), "no card"),
        (card.replace(b"mobilenetv3_small_32", b"mobilenetv4_small_32"), "unknown backbone"),
    ):
        copy.with_suffix(".json").write_bytes(spoilt)
        with pytest.raises(UsageError, match=why):
            restore(copy)
