"""``embeddings``: what it keeps of a cell while it trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.colouring import Colouring
from bench.domain import build_domain
from bench.model.encodings import pooled
from bench.models.restore import restore
from bench.observers.embeddings import draw
from bench.stats.principal import Principal

RECIPE = {"train_pairs": 64, "batch_size": 16, "val_pairs": 16, "epochs": 2}


def kept(run: Path) -> dict[str, np.ndarray]:
    (file,) = (run / "embeddings").glob("*/embeddings.npz")
    with np.load(file) as found:
        return dict(found)


def test_the_last_encodings_are_those_of_the_kept_model_and_no_number_changes(
    sweep: Any, measured: Any, tmp_path: Path
) -> None:
    given = {"recipe": RECIPE, "fusion": ["concat"], "protocol": "scratch", "checks": 3}
    runs = [tmp_path / name for name in ("plain", "seen", "again")]
    records = []
    for run in runs:
        observer = [] if run == runs[0] else ["embeddings"]
        _, (record,), _ = sweep(**given, out=str(run), observer=observer, save="all")
        records.append(measured(record))
    assert records[0] == records[1] == records[2]

    found, again = kept(runs[1]), kept(runs[2])
    assert all(np.array_equal(found[name], again[name]) for name in found)
    assert found["pairs"].tolist() == [48, 80, 128]
    assert found["encodings"].shape[:2] == (3, 32)
    stored = restore(runs[1])
    pairs = build_domain(stored.cell.domain).draw(*("val", *stored.cell.draws("val")[1:]))
    with torch.inference_mode():
        vectors = torch.cat([pooled(stored.model.encode(side.pixels)) for side in (pairs.a, pairs.b)])
    np.testing.assert_allclose(found["encodings"][-1], vectors, rtol=1e-4, atol=1e-5)
    assert found["class"].tolist() == torch.cat([pairs.a.latents["class"], pairs.b.latents["class"]]).tolist()
    np.testing.assert_allclose(found["flat"], Principal.of(found["encodings"][-1]).flat(found["encodings"]))
    files = sorted((runs[1] / "embeddings").glob("*/*"))
    assert [path.name for path in files] == ["by-class.png", "embeddings.npz"]


def test_where_the_domain_knows_groups_there_is_a_picture_by_them(sweep: Any, grouped: Path, tmp_path: Path) -> None:
    given = {"recipe": RECIPE, "fusion": ["concat"], "protocol": "scratch", "checks": 2, "test_pairs": 32}
    sweep(**given, domain=f"folder:{grouped}", observer=["embeddings"], out=str(tmp_path / "run"))
    found = kept(tmp_path / "run")
    names = {path.name for path in (tmp_path / "run" / "embeddings").glob("*/*")}
    assert names == {"by-class.png", "by-group.png", "embeddings.npz"}
    assert found["group"].shape == found["class"].shape == (32,)
    assert len(np.unique(found["group"])) > 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"fusion": ["concat"]}, "nothing was watched while it trained; --checks 8 does"),
        ({"fusion": ["concat"], "checks": 2, "protocol": "frozen"}, "nothing moves: its encoder is frozen"),
        ({"fusion": ["two_channel"], "checks": 2}, "nothing moves: it encodes no image alone"),
    ],
)
def test_where_nothing_is_to_be_seen_a_line_says_why(
    sweep: Any, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    _, (record,), printed = sweep(**{"protocol": "scratch", **given}, recipe=RECIPE, observer=["embeddings"])
    assert record["status"] in ("ok", "collapsed")
    assert said in " ".join(printed.split())
    assert not (tmp_path / "run" / "embeddings").exists()


def test_a_panel_for_each_check_has_a_colour_for_each_class() -> None:
    flat = np.random.default_rng(0).normal(size=(5, 6, 2))
    colouring = Colouring("class", np.array([0, 1, 0, 1, 0, 1]), ("circle", "square"))
    figure = draw("title", range(10, 60, 10), flat, colouring, 0.5)
    shown = [axis for axis in figure.axes if axis.axison]
    assert [axis.get_title() for axis in shown] == [f"{n} pairs" for n in range(10, 60, 10)]
    np.testing.assert_array_equal(shown[2].collections[1].get_offsets(), flat[2, 1::2])
    assert len(draw("title", [1], flat[:1], None, 0.5).axes[0].collections) == 1
