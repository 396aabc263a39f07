"""The space of recipes: what a text means, and that its points are the same for everybody, lie in it and cover it."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import UsageError
from bench.training.recipe import Recipe
from bench.tune.space import Range, Values, expanded, grid, points, read_space, read_trials

lows = st.floats(1e-6, 1e2, allow_nan=False)
factors = st.floats(1.5, 1e4)
OPTIMIZERS = Values(("adamw", "sgd"))


@settings(max_examples=10, deadline=None)
@given(low=lows, factor=factors, scale=st.sampled_from(["", ":log"]), whole=st.integers(2, 40))
def test_every_point_lies_in_the_space_and_is_a_recipe(low: float, factor: float, scale: str, whole: int) -> None:
    high = low * factor
    text = f"lr={low!r}..{high!r}{scale},batch_size={whole}..{2 * whole}:log,optimizer=adamw|sgd"
    space = read_space([text])
    assert space["lr"] == Range(low, high, bool(scale), False)
    assert space["optimizer"] == OPTIMIZERS
    for point in points(space, 5):
        Recipe(**point)
        assert low <= point["lr"] <= high
        assert whole <= point["batch_size"] <= 2 * whole
        assert isinstance(point["batch_size"], int)


def test_points_are_different_the_same_at_every_call_and_go_on_where_fewer_ended() -> None:
    space = read_space(["lr=1e-4..1e-1:log", "optimizer=adamw|sgd"])
    many = points(space, 12)
    assert points(space, 12) == many
    assert points(space, 5) == many[:5]
    assert len({tuple(point.values()) for point in many}) == 12


def test_points_cover_a_range_evenly_in_the_logarithm_and_list_each_value_alike() -> None:
    space = read_space(["lr=1e-4..1:log,weight_decay=0..0.4,optimizer=adamw|sgd"])
    found = points(space, 32)
    rates = np.log10([point["lr"] for point in found])
    # One decade each quarter of the points; and of the other field a quarter of its range.
    assert np.histogram(rates, [-4, -3, -2, -1, 0])[0].tolist() == pytest.approx([8] * 4, abs=2)
    decays = [point["weight_decay"] for point in found]
    assert np.histogram(decays, [0, 0.1, 0.2, 0.3, 0.4])[0].tolist() == pytest.approx([8] * 4, abs=2)
    assert sum(point["optimizer"] == "sgd" for point in found) == pytest.approx(16, abs=2)


def test_a_grid_is_every_combination_of_listed_values() -> None:
    found = grid(read_space(["lr=1e-5|1e-4|1e-3,optimizer=adamw|sgd"]))
    assert found == [{"lr": lr, "optimizer": name} for lr in (1e-5, 1e-4, 1e-3) for name in ("adamw", "sgd")]


def test_fields_of_a_recipe_are_expanded_from_lists_and_texts() -> None:
    found = expanded({"images": 128, "optimizer": "adamw|sgd", "lr": [1e-3, 1e-2]}, "warmup_recipe")
    rates = [(name, lr) for name in ("adamw", "sgd") for lr in (1e-3, 1e-2)]
    assert found == [{"images": 128, "optimizer": name, "lr": lr} for name, lr in rates]
    assert expanded({}, "warmup_recipe") == [{}]
    with pytest.raises(UsageError, match="warmup_recipe lr: a value is listed twice"):
        expanded({"lr": "0.001|1e-3"}, "warmup_recipe")
    with pytest.raises(UsageError, match="warmup_recipe lr: the list is empty"):
        expanded({"lr": []}, "warmup_recipe")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--over is needed: what to tune, as field=low..high"),
        ("lr", "'lr': expected field=low..high"),
        ("speed=1|2", "unknown key 'speed'; allowed: optimizer"),
        ("lr=1|2,lr=3..4", "'lr=3..4': lr is given twice"),
        ("lr=0..1", "lr = 0: Input should be greater than 0"),
        ("weight_decay=0..1:log", "a range with :log begins above 0"),
        ("lr=2..1", "expected a lower number before a higher one"),
        ("lr=1..2:linear", "'linear' is no scale; expected log, or nothing"),
        ("optimizer=adamw|adam", "Input should be 'adamw' or 'sgd'"),
        ("objective=bce..hinge", "a range has two numbers"),
        ("lr=0.001|1e-3", "a value is listed twice"),
        ("batch_size=1.5..3", "Input should be a valid integer"),
        ("val_pairs=100|200", "val_pairs cannot be tuned: all trials are judged on as many"),
        ("auxiliary=centre|size", "auxiliary cannot be tuned: it is a mapping"),
    ],
)
def test_what_is_no_space_is_told_in_a_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_space([text])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["1", "0", "all", "true", "1.5", "2000"])
def test_a_number_of_trials_is_checked(text: str) -> None:
    with pytest.raises(UsageError, match="expected grid or a number of 2 to 1,000, the default recipe among them"):
        read_trials(text)


def test_trials_are_a_number_or_a_grid() -> None:
    assert (read_trials("16"), read_trials("grid")) == (16, None)


def test_a_space_with_too_few_points_or_a_range_in_a_grid_is_told() -> None:
    with pytest.raises(UsageError, match="--trials 5: beside the default recipe the space has 2 points"):
        points(read_space(["optimizer=adamw|sgd"]), 4)
    with pytest.raises(UsageError, match=r"--trials grid: lr has a range; list its values as lr=a\|b\|c"):
        grid(read_space(["lr=1..2"]))
    with pytest.raises(UsageError, match="1,024 combinations; expected less than 1,000"):
        grid({"lr": Values(tuple(range(32))), "clip_norm": Values(tuple(range(32)))})


def test_without_optuna_a_line_says_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(UsageError, match=r"needs optuna, which is not installed; .*'fusebench\[tune\]'.*--trials grid"):
        points(read_space(["lr=1..2"]), 3)
    assert grid(read_space(["lr=1|2"])) == [{"lr": 1}, {"lr": 2}]
