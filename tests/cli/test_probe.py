"""``bench probe`` as a user types it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.models.files import stored_models

Bench = Callable[..., int]
Captured = pytest.CaptureFixture[str]
SMALL = ("--train-images", 80, "--test-images", 40, "--threads", 1)


def test_a_warm_up_is_probed_with_every_classifier_asked_for(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    out = tmp_path / "probe"
    asked = ("probe", "none", "--domain", "digits", "--classifier", "knn,random_forest:trees=5", *SMALL, "--out", out)
    assert bench(*asked, "--tune", "--trials", 2) == 0
    shown = capsys.readouterr()
    assert shown.out == (out / "probe.md").read_text()
    assert "# Probe: `none` on `digits`" in shown.out
    assert "wrote" in shown.err
    found = json.loads((out / "probe.json").read_text())
    assert [part["part"] for part in found["parts"]] == ["train", "val", "test", "digits:shift=novel"]
    assert found["classes"] == list("01234567")
    assert len(found["trials"]) == 2
    with (out / "accuracy.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [row["part"] for row in table] == ["train", "train", "val", "val", "test", "test"]
    for row, record in zip(table, found["rows"], strict=True):
        counts = np.array(record["confusion"])
        assert float(row["top1"]) == pytest.approx(record["top1"]["value"], abs=1e-6)
        assert counts.sum() == record["images"] == int(row["images"])
    new = next(row for row in found["retrieval"] if row["kind"] == "new")
    assert (new["part"], new["classes"]) == ("digits:shift=novel", 2)
    best = max((row for row in found["rows"] if row["part"] == "val"), key=lambda row: row["top1"]["value"])
    assert found["chosen"] == best["classifier"]
    pictures = sorted(path.name for path in out.glob("*.png"))
    assert pictures[:2] == ["accuracy.png", "clusters.png"]
    assert [name.startswith("confusion-test-") for name in pictures[2:]] == [True, True]
    assert (out / "classes.md").read_text().count("## ") == 4


def test_a_file_says_what_unless_the_command_line_does(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    file = tmp_path / "probe.yaml"
    file.write_text(f"source: none\ndomain: color\nclassifier: linear\neval: none\nout: {tmp_path / 'there'}\n")
    assert bench("probe", "--config", file, *SMALL, "--images", "bank") == 0
    assert "| `color` " in capsys.readouterr().out  # whose classes are new to those of the bank
    assert json.loads((tmp_path / "there" / "probe.json").read_text())["config"]["images"] == "bank"


def test_tables_are_printed_where_no_file_can_be_written(bench: Bench, capsys: Captured, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    asked = ("probe", "none", "--domain", "digits", "--classifier", "knn", *SMALL, "--out", tmp_path / "file" / "probe")
    assert bench(*asked) == 2
    printed = capsys.readouterr()
    assert "# Probe: `none` on `digits`" in printed.out
    assert "bench: " in printed.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("names",), "names: a warm-up is probed with a domain: --domain NAME"),
        (("nmaes", "--domain", "color"), "unknown warm-up 'nmaes': did you mean names?"),
        (("none", "--domain", "colour"), "unknown domain 'colour': did you mean color "),
        (("none", "--domain", "color", "--classifier", "svm"), "unknown classifier 'svm'"),
        (("none", "--domain", "color", "--select", "top3"), "--select: select = 'top3'"),
        (("none", "--domain", "color", "--train-images", 2), "--train-images: train_images = 2"),
        (("none", "--domain", "color", "--eval", "nowhere"), "--eval: unknown 'nowhere'"),
        (("runs/gone.safetensors",), "runs/gone.safetensors: no stored model"),
        (("--config", "nowhere.yaml"), "--config nowhere.yaml: no such file"),
    ],
)
def test_bad_input_is_one_line(bench: Bench, capsys: Captured, arguments: tuple[object, ...], message: str) -> None:
    assert bench("probe", *arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"bench: {message}"), error
    assert error.count("\n") == 1


def test_options_of_warm_ups_are_refused_beside_a_model(bench: Bench, capsys: Captured, kept: Path) -> None:
    model = stored_models(kept / "models")[0]
    for option in (("--backbone", "resnet18"), ("--warmup-seed", "7"), ("--warmup-recipe", "images=3")):
        assert bench("probe", model, *option) == 2
        assert capsys.readouterr().err.startswith(f"bench: {option[0]}: is one of warm-ups, and ")
