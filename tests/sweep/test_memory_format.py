"""The memory format is chosen by measurement, and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bench.fusion import MapShape
from bench.model import IMAGE
from bench.sweep import memory_format
from bench.sweep.config import load_config
from bench.sweep.execution import MEMORY_FORMATS
from bench.sweep.memory_format import best_format, choose_formats, faster_format, measure_formats
from bench.sweep.plan import Plan, make_plan
from bench.sweep.run import _asked

LAST, CONTIGUOUS = "channels_last", "contiguous"


@pytest.mark.parametrize(
    ("last", "contiguous", "choice"),
    [
        ([2.0, 2.1, 2.0], [1.0, 1.0, 1.1], CONTIGUOUS),
        ([1.0, 1.0, 1.1], [2.0, 2.1, 2.0], LAST),
        ([1.05, 1.06, 1.05], [1.0, 1.0, 1.0], LAST),
        ([2.0, 2.0, 0.9], [1.0, 1.0, 1.0], LAST),
    ],
    ids=["clearly faster", "slower", "too small a gain", "not in every round"],
)
def test_another_format_needs_a_clear_gain(last: list[float], contiguous: list[float], choice: str) -> None:
    assert faster_format({LAST: last, CONTIGUOUS: contiguous}) == choice


def test_a_choice_is_measured_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    setting = {"precision": "float32", "threads": 1, "device": "cpu", "say": pytest.fail}
    first = best_format("mobilenetv3_small_32", IMAGE, **setting)
    (card,) = (tmp_path / "layouts").iterdir()
    facts = json.loads(card.read_text())
    assert first == facts["choice"] == faster_format(facts["seconds_per_step"])
    assert all(second > 0 for name in MEMORY_FORMATS for second in facts["seconds_per_step"][name])
    card.write_text(json.dumps({**facts, "choice": CONTIGUOUS}))
    assert best_format("mobilenetv3_small_32", IMAGE, **setting) == CONTIGUOUS
    assert facts["precision"] == "float32"


def test_a_backbone_that_never_returns_keeps_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(memory_format, "LONGEST_SECONDS", 0.0)
    said: list[str] = []
    assert best_format("mobilenetv3_small_32", IMAGE, "float32", 1, "cpu", said.append) == LAST
    (line,) = said
    assert line.endswith("others could not be measured: not done within 0 s")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"choice": "fast"}', '{"choice": []}', "[" * 100_000])
def test_a_damaged_card_is_named(tmp_path: Path, content: str) -> None:
    card, said = tmp_path / "card.json", []
    card.write_text(content)
    assert memory_format._kept(card, said.append) is None
    assert said == [f"{card}: not the card of a memory format; it is measured again"]


def test_a_backbone_that_cannot_be_measured_keeps_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    said: list[str] = []
    assert best_format("mobilenetv3_small_32", MapShape(3, 4, 4), "float32", 1, "cpu", said.append) == LAST
    (line,) = said
    assert line.startswith("mobilenetv3_small_32 computes in channels_last: others could not be measured: ")
    assert not list(tmp_path.rglob("*.json"))


def test_the_precision_of_the_sweep_is_that_of_the_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen_in: list[str] = []
    monkeypatch.setattr(memory_format, "WORTH_MEASURING", 1)
    monkeypatch.setattr(memory_format, "best_format", lambda *given: chosen_in.append(given[2]) or LAST)
    plan = make_plan(load_config({"fusion": "abs_diff", "seed": "0", "recipe": {"precision": "bfloat16"}}), {})
    choose_formats([planned.cell for planned in plan.cells], threads=1, device="cpu", say=pytest.fail)
    assert chosen_in == ["bfloat16"]
    trained_in: list[torch.dtype] = []
    monkeypatch.setattr(memory_format, "fit", lambda learner, *rest: trained_in.append(learner.model.precision))
    measure_formats(("mobilenetv3_small_32", IMAGE, "bfloat16", "cpu", ()))
    assert set(trained_in) == {torch.bfloat16}


def test_a_small_sweep_measures_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FUSEBENCH_CACHE", str(tmp_path))
    plan = make_plan(load_config({"fusion": "abs_diff", "seed": "0"}), {})
    assert choose_formats([planned.cell for planned in plan.cells], threads=1, device="cpu", say=pytest.fail) == {}
    assert not (tmp_path / "layouts").exists()


def test_an_interrupted_sweep_and_a_part_choose_as_the_whole_does() -> None:
    asked = {"fusion": "abs_diff,concat", "seed": "0..3", "backbone": "mobilenetv3_small_32,resnet18"}
    whole = make_plan(load_config(asked), {})
    rest = Plan(tuple(one for one in whole.cells if str(one.cell.backbone) == "resnet18")[:1])
    assert _asked(whole, whole) == [one.cell for one in whole.cells]
    assert _asked(whole, rest) == [one.cell for one in whole.cells if str(one.cell.backbone) == "resnet18"]
