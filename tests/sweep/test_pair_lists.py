"""Where only pairs are labelled, nothing is compared across pairs; a list that is too short is told in the plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.sweep.config import SweepConfig
from bench.sweep.execution import Execution
from bench.sweep.plan import Plan, make_plan
from bench.sweep.prepare import prepare

PAIRS = 60


@pytest.fixture
def listed(tmp_path: Path) -> str:
    rows = ["a,b,label"]
    for i in range(PAIRS):
        rows.append(f"{i}a.png,{i}b.png,{i % 2}")
        for side in "ab":
            pixels = np.random.default_rng(1000 * i + ord(side)).integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / f"{i}{side}.png")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    return f"pairs:path={tmp_path / 'list.csv'}"


def planned(domain: str, fusion: str, **others: object) -> Plan:
    given = {"domain": [domain], "fusion": [fusion], "backbone": ["mobilenetv3_small_32"], "seed": [0], **others}
    return make_plan(SweepConfig(protocol="scratch", warmup="none", **given), {})


@pytest.mark.parametrize(
    ("fusion", "recipe", "reason"),
    [
        ("name_then_xnor", {}, "is trained on the names of single images, and only pairs are labelled"),
        ("cosine", {"objective": "supcon"}, "supcon compares images of different pairs"),
        ("abs_diff", {"auxiliary": {"name": 1.0}}, "the images come without class for the head name"),
    ],
)
def test_what_needs_the_class_of_an_image_is_not_applicable(
    listed: str, fusion: str, recipe: dict[str, object], reason: str
) -> None:
    (cell,) = planned(listed, fusion, recipe=recipe).cells
    assert reason in cell.reason


def test_images_are_not_paired_anew_within_a_batch(listed: str) -> None:
    for domain, times in ((listed, 1), ("color", 8)):
        (cell,) = planned(domain, "abs_diff", recipe={"train_pairs": 64}).cells
        learner = prepare(cell.cell, Execution()).learner
        assert learner is not None
        assert learner.recipe.pairs_per_image == times


def test_a_list_with_fewer_test_pairs_than_asked_for_is_told_once(listed: str) -> None:
    (line,) = planned(listed, "abs_diff,concat", test_pairs=100).repeated()
    own = int(line.partition("has ")[2].partition(" ")[0])
    assert "and 100 are tested: some count more than once" in line
    assert not planned(listed, "abs_diff", test_pairs=own).repeated()
    assert not planned("color", "abs_diff", test_pairs=100).repeated()


def test_a_record_of_a_list_keeps_the_probe_and_tells_of_no_classes(listed: str, sweep: Callable[..., Any]) -> None:
    """Trained at next to no rate, a model learns nothing by heart either."""
    recipe = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "lr": 1e-9}
    (record,) = sweep(domain=[listed], eval=[], fusion=["abs_diff"], warmup="none", recipe=recipe)[1]
    diagnostics = record["diagnostics"]
    assert "name_probe" in diagnostics
    assert diagnostics["note"].endswith(("those of a coin", "that ignores the images"))
