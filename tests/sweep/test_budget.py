"""A sweep in which every fusion is given the same: labelled pairs, steps or multiply-accumulates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from bench.cost.formulas import FORMULAS
from bench.errors import UsageError
from bench.sweep.cell import Cell
from bench.sweep.config import SweepConfig, load_config
from bench.sweep.execution import ON_THE_CPU
from bench.sweep.plan import make_plan
from bench.sweep.prepare import prepare

PAIRS_PER_IMAGE, BATCH = 4, 16


@pytest.fixture
def budgeted(tiny: Callable[..., SweepConfig]) -> Callable[..., dict[str, Cell]]:
    """The cells of a tiny sweep under a budget, by their fusion."""

    def make(budget: str, fusion: list[str], recipe: dict[str, Any] | None = None, **changes: Any) -> dict[str, Cell]:
        chosen = {"batch_size": BATCH, "val_pairs": 32, "pairs_per_image": PAIRS_PER_IMAGE, **(recipe or {})}
        config = tiny(fusion=fusion, recipe={**chosen, "budget": budget}, **changes)
        return {str(planned.cell.fusion): planned.cell for planned in make_plan(config, {}).cells}

    return make


def pairs_of(cells: dict[str, Cell]) -> dict[str, int]:
    return {name: cell.recipe.train_pairs for name, cell in cells.items()}


def test_labelled_pairs_are_those_that_an_encoded_image_is_paired_again_for(budgeted) -> None:
    found = budgeted("pairs:640", ["cosine", "two_channel", "pseudo_siamese"])
    assert pairs_of(found) == {"cosine": 640 // PAIRS_PER_IMAGE, "two_channel": 640, "pseudo_siamese": 640}
    assert len({cell.recipe_id() for cell in found.values()}) == 1
    assert len({cell.key() for cell in found.values()}) == 3
    alone = budgeted("pairs:640", ["cosine", "two_channel"], {"pairs_per_image": 1, "epochs": 2})
    assert pairs_of(alone) == {"cosine": 320, "two_channel": 320}


def test_steps_are_the_same_for_all_but_controls_and_references(budgeted) -> None:
    found = pairs_of(budgeted("steps:7", ["cosine", "two_channel", "name_then_xnor"]))
    assert found == {"cosine": 7 * BATCH, "two_channel": 7 * BATCH, "name_then_xnor": 9_600}


@pytest.mark.parametrize("fusion", ["cross_attention", "two_channel"])
def test_the_macs_of_a_step_are_those_that_its_two_passes_take(budgeted, fusion: str) -> None:
    """Counted while a step runs: forward, then backward, which needs no gradient of the images."""
    amount = 4 * 10**9
    (cell,) = budgeted(f"macs:{amount}", [fusion]).values()
    learner = prepare(cell, ON_THE_CPU).learner
    with FlopCounterMode(display=False, custom_mapping=FORMULAS) as counter:
        learner.batch_loss(torch.arange(BATCH))[0].backward()
    steps = cell.recipe.train_pairs // BATCH
    assert 0.9 * amount < steps * counter.get_total_flops() / 2 <= amount
    assert steps > 5


def test_frozen_macs_are_those_of_fusion_and_head(budgeted) -> None:
    found = budgeted("macs:1e8", ["abs_diff"], protocol="frozen")
    weights = 128 * 128 + 128
    step = 3 * BATCH * PAIRS_PER_IMAGE * weights
    assert pairs_of(found) == {"abs_diff": 10**8 // step * BATCH}
    with pytest.raises(UsageError, match=r"^cosine · mobilenetv3_small_32: budget macs:1e8: .* takes none of them"):
        budgeted("macs:1e8", ["cosine"], protocol="frozen")


@pytest.mark.parametrize(
    ("budget", "problem"),
    [("pairs:63", "less than one step of 64 pairs"), ("steps:1e9", r"16,000,000,000 training pairs; expected at most")],
)
def test_what_cannot_be_is_one_line(budgeted, budget: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        budgeted(budget, ["abs_diff"])


def test_records_say_what_was_given_and_how_many_labels_were_seen(sweep) -> None:
    recipe = {"batch_size": 16, "val_pairs": 32, "pairs_per_image": 4, "budget": "pairs:128"}
    code, records, printed = sweep(fusion=["abs_diff", "two_channel"], recipe=recipe)
    assert code == 0
    assert "budget pairs:128 pays for 32 (abs_diff) to 128 (two_channel) training pairs" in printed
    assert [record["labelled_pairs"] for record in records] == [128, 128]
    assert {record["recipe"]["budget"] for record in records} == {"pairs:128"}
    assert len({record["recipe_id"] for record in records}) == 1
    assert "2 done" in sweep(fusion=["abs_diff", "two_channel"], recipe=recipe)[2]


def test_one_pairing_gives_all_as_many_labelled_pairs(sweep) -> None:
    records = sweep(fusion=["abs_diff", "two_channel", "name_then_xnor"])[1]
    # The last one learns the names of images.
    assert [record["labelled_pairs"] for record in records] == [8 * 64, 64, None]
    recipe = {"train_pairs": 64, "batch_size": 16, "val_pairs": 32, "pairs_per_image": 1}
    assert sweep(recipe=recipe)[1][-1]["labelled_pairs"] == 64


def test_a_budget_of_an_unknown_unit_names_its_option() -> None:
    with pytest.raises(UsageError, match=r"^--recipe: budget = 'hours:3'.*expected pairs:9600"):
        load_config({"recipe": {"budget": "hours:3"}})
