"""What a sweep computes, on the device that ``--device`` names: ``make gpu`` runs these on a GPU."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from bench import zoo
from bench.fusion import FUSIONS
from bench.sweep.cell import Cell
from bench.sweep.execution import Execution
from bench.sweep.plan import make_plan
from bench.sweep.prepare import prepare
from bench.training.objectives import OBJECTIVES
from bench.training.warmup import WARMUPS

pytestmark = pytest.mark.cuda
zoo.load()
# Convolutions of a GPU may round to TF32, ten bits.
SCORES, GRADIENTS = 5e-3, 5e-2

HUNGRY = '''
@register
class Hungry(Base):
    """Wants more memory than there is."""
    name = "test_hungry"
    def forward(self, a, b):
        return (a * self.weight).sum(1) + torch.empty(2**52, device=a.device).sum()
'''


@pytest.fixture
def cells(tiny):
    """The cells of a tiny sweep that can run."""

    def planned(**changes: object) -> list[Cell]:
        return [planned.cell for planned in make_plan(tiny(**changes), {}).having("to run")]

    return planned


def first_step(cell: Cell, device: str) -> tuple[float, float] | None:
    """Loss of the first batch and the norm of its gradient; None where nothing is trained."""
    learner = prepare(cell, Execution(device)).learner
    if learner is None:
        return None
    learner.module.train()
    torch.manual_seed(0)
    loss, _, _ = learner.batch_loss(torch.arange(cell.recipe.batch_size))
    loss.backward()
    gradients = [p.grad.double().square().sum().item() for p in learner.module.parameters() if p.grad is not None]
    return loss.item(), math.sqrt(sum(gradients))


@pytest.mark.parametrize("protocol", ["scratch", "frozen"])
@pytest.mark.parametrize("name", FUSIONS.match("*"))
def test_the_first_step_of_every_fusion_is_that_of_the_cpu(cells, name: str, protocol: str, device: str) -> None:
    for cell in cells(fusion=name, protocol=protocol):
        on_cpu, here = first_step(cell, "cpu"), first_step(cell, device)
        assert (on_cpu is None) == (here is None)
        if on_cpu and here:
            assert here[0] == pytest.approx(on_cpu[0], rel=SCORES, abs=SCORES)
            assert here[1] == pytest.approx(on_cpu[1], rel=GRADIENTS, abs=SCORES)


@pytest.mark.parametrize(
    "changes",
    [
        {"fusion": "abs_diff,two_channel,single_image,mask_oracle,name_then_xnor,template_oracle"},
        {"protocol": "frozen", "fusion": "concat,cross_attention,fmap_diff,cosine", "seed": "0,1", "seeds_together": 2},
        {"recipe": {"precision": "bfloat16"}},
        {"recipe": {"auxiliary": {"centre": 0.1}}},
        {"recipe": {"augment": "flip+rotate+jitter+erase"}},
        {"recipe": {"patience": 1, "epochs": 3}},
        {"recipe": {"optimizer": "sgd", "schedule": "exponential"}},
        {"observer": ["tensorboard", "profile"]},
        {"backbone": "tiny_vit,resnet18"},
        {"domain": "texture", "eval": ["color", "texture"]},
        {"warmup": "own"},
    ],
    ids=str,
)  # fmt: skip
def test_settings_give_a_result_for_every_cell(sweep, changes: dict, device: str) -> None:
    if changes == {"warmup": "own"}:
        changes = {"protocol": "finetune", "warmup": "autoencoder:images=own"}
    code, records, printed = sweep(device=device, **{**changes, "recipe": {**RECIPE, **changes.get("recipe", {})}})
    assert code == 0, printed
    assert {record["status"] for record in records} <= {"ok", "not_applicable"}
    assert device in {record["execution"]["device"] for record in records if record["status"] == "ok"}


RECIPE = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32}


@pytest.mark.parametrize("objective", [cls.name for cls in OBJECTIVES.classes if cls.name not in ("bce", "pml")])
def test_every_objective_trains_beside_the_usual_one(sweep, objective: str, device: str) -> None:
    code, _, printed = sweep(device=device, recipe={**RECIPE, "objective": f"bce+{objective}"})
    assert code == 0, printed


@pytest.mark.parametrize("task", [cls.name for cls in WARMUPS.classes if cls.weights == "computed"])
def test_every_warm_up_is_computed(sweep, task: str, device: str) -> None:
    code, (record,), printed = sweep(device=device, protocol="finetune", warmup=task)
    assert code == 0, printed
    assert record["warmup"]["task"] == task


def test_the_same_command_gives_the_same_numbers(sweep, measured, device: str, tmp_path: Path) -> None:
    settings = {"fusion": "abs_diff,two_channel,cross_attention,bilinear", "protocol": "finetune", "device": device}
    first, second = (
        [measured(record) for record in sweep(**settings, out=str(tmp_path / name))[1]] for name in ("one", "two")
    )
    assert first == second


def test_too_much_memory_is_a_record_and_the_next_cell_runs(sweep, weighted, device: str) -> None:
    plugin = weighted("hungry", HUNGRY)
    code, records, _ = sweep(fusion="test_hungry,abs_diff", include=[str(plugin)], device=device)
    assert code == 3
    assert {record["fusion"]: record["status"] for record in records} == {"test_hungry": "oom", "abs_diff": "ok"}


def test_a_killed_worker_costs_its_cell_alone(sweep, deadly: Path, device: str) -> None:
    settings = {"fusion": "test_dies,abs_diff,concat", "include": [str(deadly)], "jobs": 2}
    code, records, _ = sweep(**settings, device=device)
    assert code == 3
    statuses = {record["fusion"]: record["status"] for record in records}
    assert statuses == {"test_dies": "killed", "abs_diff": "ok", "concat": "ok"}
