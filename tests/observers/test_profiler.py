"""``profile``: what it leaves of the operators of a training step."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.autograd import DeviceType

from bench.domain import build_domain
from bench.model import build_model
from bench.observers import profiler
from bench.observers.profiler import ACTIVE, Operator, _operators, profile_steps, top_operators_table
from bench.spec import parse_spec
from bench.training.curve import Window
from bench.training.pairs import PairLearner
from bench.training.recipe import Recipe

FUSIONS = ["abs_diff", "two_channel"]


@pytest.fixture(scope="module")
def learner() -> PairLearner:
    domain = build_domain("color")
    model = build_model(parse_spec("bilinear"), "mobilenetv3_small_32", domain.image, 0, classes=2)
    pairs = domain.draw("train", 0, 48)
    classes = pairs.a.latents["class"], pairs.b.latents["class"]
    return PairLearner(model, Recipe(batch_size=16, train_pairs=48), pairs.a.pixels, pairs.b.pixels, *classes)


def test_a_profile_is_a_trace_per_cell_and_a_table(sweep, tmp_path: Path) -> None:
    code, records, printed = sweep(fusion=FUSIONS, profile=True)
    assert code == 0
    folders = sorted((tmp_path / "run" / "profile").iterdir())
    assert [folder.name.split("-")[0] for folder in folders] == FUSIONS
    assert {folder.name[-8:] for folder in folders} == {record["key"][:8] for record in records}
    for folder in folders:
        (trace,) = folder.glob("*.pt.trace.json")
        events = json.loads(trace.read_text())["traceEvents"]
        steps = {event["name"] for event in events if event["name"].startswith("ProfilerStep#")}
        assert len(steps) == ACTIVE
        assert any(event["name"].startswith("aten::convolution") for event in events)
        table = (folder / "top_operators.md").read_text().split("\n\n", 1)[1].strip()
        assert "aten::" in table
        assert table in printed
    assert f"tensorboard --logdir {tmp_path / 'run' / 'profile'}" in printed


def test_profiling_leaves_weights_and_random_state(learner: PairLearner, tmp_path: Path) -> None:
    before, state = copy.deepcopy(learner.module.state_dict()), torch.get_rng_state()
    operators = profile_steps(learner, tmp_path)
    assert all(torch.equal(value, before[name]) for name, value in learner.module.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state)
    assert sum(operator.share for operator in operators) == pytest.approx(1)
    assert [operator.milliseconds for operator in operators] == sorted(
        (o.milliseconds for o in operators), reverse=True
    )
    convolution = next(operator for operator in operators if operator.name == "aten::mkldnn_convolution")
    assert convolution.calls == sum(isinstance(module, torch.nn.Conv2d) for module in learner.module.modules())


def test_no_profiled_step_reads_the_learning_curve_back(
    learner: PairLearner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    monkeypatch.setattr(Window, "close", lambda window, step: [(0.0, float(read.append(step) or 0))])
    assert profile_steps(learner, tmp_path)
    assert read == []


def test_a_cell_on_the_cpu_is_profiled_there(
    learner: PairLearner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else the machine has."""

    def steps(learner: object, recipe: object, order: Iterable[Tensor], steps: int, should_stop: Callable) -> None:
        for step, index in enumerate(order, start=1):
            index.sum()
            should_stop(step)

    # The training itself asks for the device, too.
    monkeypatch.setattr(profiler, "fit", steps)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert sum(operator.share for operator in profile_steps(learner, tmp_path)) == pytest.approx(1)


def test_on_a_gpu_only_what_ran_there_counts() -> None:
    def event(name: str, device: DeviceType, is_user_annotation: bool = False) -> SimpleNamespace:
        times = {"self_device_time_total": 3000.0, "self_cpu_time_total": 9000.0}
        return SimpleNamespace(
            key=name, device_type=device, is_user_annotation=is_user_annotation, count=ACTIVE, **times
        )

    events = [
        event("kernel", DeviceType.CUDA), event("aten::mm", DeviceType.CPU),
        event("ProfilerStep*", DeviceType.CUDA, is_user_annotation=True),
    ]  # fmt: skip
    found = _operators(SimpleNamespace(key_averages=lambda: events), "cuda")
    assert found == [Operator("kernel", 3.0 / ACTIVE, 1.0, 1.0)]


def test_the_table_shows_times_shares_and_calls_per_step() -> None:
    table = top_operators_table([Operator("aten::mm", 3.0, 4.0, 0.75), Operator("aten::add", 1.0, 2.0, 0.25)], 8)
    assert "4.0 ms a step of 8 pairs" in table
    (row,) = (line for line in table.splitlines() if "aten::mm" in line)
    assert [cell.strip() for cell in row.strip("|").split("|")] == ["aten::mm", "3.00", "75.0%", "4"]


def test_where_nothing_trains_there_is_no_profile(sweep, tmp_path: Path) -> None:
    code, _, printed = sweep(fusion="template_oracle", profile=True)
    assert code == 0
    assert "nothing trains, so there is no step to profile" in printed
    assert not (tmp_path / "run" / "profile").exists()
