"""Budgets: how they are written, and how many training pairs one pays for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.training.budget import Budget
from bench.training.recipe import Recipe, declared_recipe


@pytest.mark.parametrize(
    ("text", "unit", "amount", "written"),
    [
        ("pairs:9600", "pairs", 9_600, "pairs:9600"),
        (" steps : 600 ", "steps", 600, "steps:600"),
        ("macs:2e12", "macs", 2 * 10**12, "macs:2e12"),
        ("macs:1.5E+12", "macs", 15 * 10**11, "macs:15e11"),
        ("macs:2000000000000", "macs", 2 * 10**12, "macs:2e12"),
        ("macs:123456789012345678901", "macs", 123456789012345678901, "macs:123456789012345678901"),
    ],
)
def test_a_budget_is_read_and_written(text: str, unit: str, amount: int, written: str) -> None:
    budget = Budget.parse(text)
    assert budget == Budget(unit, amount)
    assert str(budget) == written
    assert Budget.parse(written) == budget


@pytest.mark.parametrize("text", ["", "9600", "hours:3", "pairs:", "pairs:0", "pairs:-1", "steps:.1", "macs:1e99"])
def test_anything_else_is_one_line_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match=r"is not a budget; expected pairs:9600, steps:600, macs:2e12 or none$"):
        declared_recipe("resnet18", "finetune", {"budget": text})


@given(amount=st.integers(1, 10**9), of_step=st.integers(1, 10**6), batch=st.integers(2, 512), epochs=st.integers(1, 5))
def test_it_is_spent_up_to_less_than_a_step_an_epoch(amount: int, of_step: int, batch: int, epochs: int) -> None:
    budget = Budget("macs", amount)
    if amount < of_step * epochs:
        with pytest.raises(UsageError, match="less than one step of"):
            budget.train_pairs(of_step, batch, epochs)
        return
    pairs = budget.train_pairs(of_step, batch, epochs)
    spent = pairs // batch * epochs * of_step
    assert pairs % batch == 0
    assert amount - of_step * epochs < spent <= amount


def test_what_takes_none_of_it_has_no_end() -> None:
    with pytest.raises(UsageError, match=r"macs:5: a training step takes none of them; give pairs:N or steps:N"):
        Budget("macs", 5).train_pairs(0, 64, 1)


def test_recipes_of_one_budget_share_all_but_the_pairs_that_it_pays_for() -> None:
    one, other = (Recipe(budget="steps:600", train_pairs=pairs) for pairs in (640, 1280))
    assert one.shared_identity() == other.shared_identity()
    assert one.identity() != other.identity()
    assert Recipe(train_pairs=640).shared_identity() == Recipe(train_pairs=640).identity()
    assert "budget" not in Recipe().identity()


def test_a_budget_and_a_number_of_pairs_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="give one of the two"):
        declared_recipe("resnet18", "finetune", {"budget": "steps:600", "train_pairs": 640})
    assert declared_recipe("resnet18", "finetune", {"budget": "none", "train_pairs": 640}).train_pairs == 640
